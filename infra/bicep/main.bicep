// Subscription scope, because azd then owns the resource group: `azd up` creates it, and `azd down` deletes it with
// everything inside. (With resource group scope somebody has to make the group by hand first.)
targetScope = 'subscription'

metadata description = 'Meta-Agents on Azure: a function app, its stores and its messaging, in one or several regions, reached by one managed identity and no keys.'

@minLength(1)
@maxLength(64)
@description('Name of the azd environment. It names the resource group and seeds the unique names.')
param environmentName string

@minLength(1)
@description('First region. It must offer Flex Consumption, Durable Task Scheduler and SignalR Service.')
param location string

@description('Further regions, in order, each with an app that stands by. They need `frontDoorSku` and `cosmosMaxThroughput`.')
param standbyLocations array = []

@description('Region whose app gets requests first and starts what is scheduled or queued. Empty: the first one. To be set when that is lost.')
param activeLocation string = ''

@allowed([
  'none'
  'Standard_AzureFrontDoor'
  'Premium_AzureFrontDoor'
])
@description('Tier of the Front Door before the apps; it alone may then reach them.')
param frontDoorSku string = 'none'

@description('Whether copies and instances are spread over the zones of each region, which must have some. Of stores it cannot be changed later.')
param zoneRedundant bool = false

@description('Whether the app is in a virtual network and reaches everything by private endpoints, which is then the only way. Callers and browsers still come from the internet.')
param privateNetworking bool = false

@description('First two numbers of the addresses of the virtual network, which has a /22.')
param networkFirstNumbers string = '10.0'

@allowed([
  '3.11'
  '3.12'
  '3.13'
])
@description('Python of the function app. docs/compatibility.md says what was tried on which.')
param pythonVersion string = '3.11'

@minValue(40)
@maxValue(1000)
@description('Most instances that a function app may scale out to.')
param maximumInstanceCount int = 40

@allowed([
  512
  2048
  4096
])
@description('Memory of one instance, in MB.')
param instanceMemoryMB int = 2048

@minValue(0)
@description('Instances kept warm for orchestrators, activities and entities. 0 scales to nothing when idle.')
param durableAlwaysReadyInstances int = 0

@minValue(0)
@maxValue(3)
@description('Capacity units of a Dedicated Durable Task Scheduler; three are redundant over zones. 0: the Consumption SKU, billed by action.')
param durableTaskCapacity int = 0

@allowed([
  'Free_F1'
  'Standard_S1'
  'Premium_P1'
])
@description('Tier of SignalR Service. The free one is for trying out: few connections, a daily cap on messages, no SLA, no private endpoints.')
param signalRSku string = 'Free_F1'

@minValue(1)
@maxValue(100)
@description('Units of SignalR Service; each holds 1000 connections. The free tier has one.')
param signalRUnits int = 1

@description('Name of the Cosmos DB account. Empty: one is made up. To be set to the name of an account that was restored.')
param cosmosAccountName string = ''

@minValue(0)
@maxValue(1000000)
@description('Most request units a second of the documents in Cosmos DB, a multiple of 1000 (autoscale; a tenth is paid for when idle). 0: serverless, in one region.')
param cosmosMaxThroughput int = 0

@minValue(0)
@maxValue(1000000)
@description('The same for the passages of the library. It does not count when serverless.')
param cosmosLibraryMaxThroughput int = 1000

@allowed([
  'Continuous7Days'
  'Continuous30Days'
])
@description('How far back Cosmos DB can be restored to any second.')
param cosmosBackupTier string = 'Continuous7Days'

@description('Models to deploy to Azure OpenAI in each region, each {name, model, version, sku, capacity}. Empty: none is created.')
param modelDeployments array = []

@description('Resource id of an Azure OpenAI account that is there already, used instead. Empty: none.')
param existingOpenAiId string = ''

@description('Name of the model deployment that agents use unless they name another. Empty: no model is configured.')
param modelName string = ''

@description('Name of the deployment that makes embeddings for the library. Empty: no library.')
param embeddingModel string = ''

@description('Hosts that webhooks may call, apart by commas. Empty: no webhooks.')
param webhookHosts string = ''

@description('More app settings, by name, as docs/configuration.md lists them (TOOL_HOSTS, MODELS_FILE, CALL_LIMITS and so on); secrets as references to a Key Vault.')
param moreSettings object = {}

@description('Storage queue whose messages start executions; it is made in the app\'s own account. Empty: none.')
param startQueue string = ''

@description('Service Bus queue whose messages start executions; it must be there. Empty: none.')
param startServiceBusQueue string = ''

@description('Resource id of the Service Bus namespace of that queue.')
param serviceBusId string = ''

@minValue(7)
@maxValue(90)
@description('Days that the deleted Key Vault, or a secret of it, can be had back. It cannot be changed later.')
param keyVaultRetentionDays int = 7

@description('Whether to take back the Key Vault that `azd down` of an environment of this name left behind.')
param recoverKeyVault bool = false

@description('Principal that may read and write the secrets of the Key Vault: whoever deploys, for instance. Empty: nobody.')
param operatorPrincipalId string = ''

@minValue(30)
@maxValue(730)
@description('Days that telemetry is kept.')
param telemetryRetentionDays int = 30

@description('GB of telemetry a day after which no more is taken in until the next day. -1: no cap.')
param telemetryDailyCapGb int = -1

@description('Mail addresses that alerts and the budget are sent to. Empty: nobody is told.')
param alertEmails array = []

@minValue(1)
@maxValue(100)
@description('Percent of a budget of the app (docs/budgets.md) from which its use is an alert.')
param alertBudgetPercent int = 90

@minValue(1)
@description('US dollars that model calls may cost in an hour before that is an alert.')
param alertHourlySpending int = 50

@allowed([
  'Recreate'
  'RollingUpdate'
])
@description('How instances are replaced when a version is deployed: those of before finish their work while new ones start (a preview), or all are ended at once.')
param updateStrategy string = 'RollingUpdate'

@minValue(0)
@description('Budget a month, in the currency of the subscription; it warns and stops nothing. 0, or nobody to tell: none.')
param monthlyBudget int = 0

var locations = concat([ location ], standbyLocations)
var active = empty(activeLocation) ? location : activeLocation
var activeIndex = indexOf(locations, active)
var tokens = [for region in locations: toLower(uniqueString(subscription().id, environmentName, region))]
var groupNames = [for (region, i) in locations: i == 0 ? 'rg-${environmentName}' : 'rg-${environmentName}-${region}']
var origins = [for (region, i) in locations: {
  name: region
  hostName: 'func-${tokens[i]}.azurewebsites.net'
  priority: region == active ? 1 : i + 2
}]
var hasFrontDoor = frontDoorSku != 'none'
var tags = {
  'azd-env-name': environmentName
}
// Never used where there is no such resource; but even then Azure looks for the resource group.
var openAiId = split(empty(existingOpenAiId) ? '${subscription().id}/resourceGroups/${groupNames[0]}/providers/Microsoft.CognitiveServices/accounts/none' : existingOpenAiId, '/')
var busId = split(empty(serviceBusId) ? '${subscription().id}/resourceGroups/${groupNames[0]}/providers/Microsoft.ServiceBus/namespaces/none' : serviceBusId, '/')
// Left out rather than set empty, so that the app can tell that no model is configured.
var existingModelSettings = empty(existingOpenAiId) ? {} : { AZURE_OPENAI_ENDPOINT: existingOpenAi.outputs.endpoint }
var modelSettings = empty(modelName) ? {} : { MODEL_NAME: modelName }
var embeddingSettings = empty(embeddingModel) ? {} : { EMBEDDING_MODEL: embeddingModel }
// A reference that the platform resolves: the secret itself is nowhere in the settings.
var webhookSettings = empty(webhookHosts) ? {} : { WEBHOOK_HOSTS: webhookHosts, WEBHOOK_SECRET: keyVault.outputs.webhookSecretReference }
var queueSettings = empty(startQueue) ? {} : { START_QUEUE: startQueue }
var busSettings = empty(startServiceBusQueue) ? {} : {
  START_SERVICE_BUS_QUEUE: startServiceBusQueue
  ServiceBusConnection__fullyQualifiedNamespace: existingServiceBus.outputs.hostName
  ServiceBusConnection__credential: 'managedidentity'
  ServiceBusConnection__clientId: identity.outputs.clientId
}
var sharedTargets = [
  { name: 'cosmos', id: cosmos.outputs.id, group: 'Sql', zone: 'privatelink.documents.azure.com' }
  { name: 'artifacts', id: artifacts.outputs.id, group: 'blob', zone: 'privatelink.blob.${environment().suffixes.storage}' }
  { name: 'key-vault', id: keyVault.outputs.id, group: 'vault', zone: 'privatelink.vaultcore.azure.net' }
]

resource groups 'Microsoft.Resources/resourceGroups@2025-04-01' = [for (name, i) in groupNames: {
  name: name
  location: locations[i]
  tags: tags
}]

module identity './modules/identity.bicep' = {
  name: 'identity'
  scope: resourceGroup(groupNames[0])
  dependsOn: [
    groups
  ]
  params: {
    name: 'id-${tokens[0]}'
    location: location
    tags: tags
  }
}

module monitoring './modules/monitoring.bicep' = {
  name: 'monitoring'
  scope: resourceGroup(groupNames[0])
  params: {
    workspaceName: 'log-${tokens[0]}'
    insightsName: 'appi-${tokens[0]}'
    actionGroupName: 'ag-${tokens[0]}'
    location: location
    tags: tags
    retentionDays: telemetryRetentionDays
    dailyCapGb: telemetryDailyCapGb
    alertEmails: alertEmails
    identityPrincipalId: identity.outputs.principalId
  }
}

module keyVault './modules/key-vault.bicep' = {
  name: 'key-vault'
  scope: resourceGroup(groupNames[0])
  params: {
    name: 'kv-${tokens[0]}'
    location: location
    tags: tags
    retentionDays: keyVaultRetentionDays
    recover: recoverKeyVault
    privateOnly: privateNetworking
    identityPrincipalId: identity.outputs.principalId
    operatorPrincipalId: operatorPrincipalId
    workspaceId: monitoring.outputs.workspaceId
  }
}

module cosmos './modules/cosmos.bicep' = {
  name: 'cosmos'
  scope: resourceGroup(groupNames[0])
  params: {
    name: empty(cosmosAccountName) ? 'cosmos-${tokens[0]}' : cosmosAccountName
    location: location
    // In the order in which they take over; a union keeps the first of each.
    regions: union([ active ], locations)
    tags: tags
    zoneRedundant: zoneRedundant
    maxThroughput: cosmosMaxThroughput
    libraryMaxThroughput: cosmosLibraryMaxThroughput
    backupTier: cosmosBackupTier
    privateOnly: privateNetworking
    identityPrincipalId: identity.outputs.principalId
    workspaceId: monitoring.outputs.workspaceId
  }
}

module artifacts './modules/artifacts.bicep' = {
  name: 'artifacts'
  scope: resourceGroup(groupNames[0])
  params: {
    name: 'sta${tokens[0]}'
    location: location
    tags: tags
    zoneRedundant: zoneRedundant
    geoRedundant: !empty(standbyLocations)
    privateOnly: privateNetworking
    identityPrincipalId: identity.outputs.principalId
  }
}

module existingOpenAi './modules/existing-openai.bicep' = if (!empty(existingOpenAiId)) {
  name: 'existing-openai'
  scope: resourceGroup(openAiId[2], openAiId[4])
  params: {
    name: last(openAiId)
    identityPrincipalId: identity.outputs.principalId
  }
}

module existingServiceBus './modules/existing-service-bus.bicep' = if (!empty(serviceBusId)) {
  name: 'existing-service-bus'
  scope: resourceGroup(busId[2], busId[4])
  params: {
    namespaceName: last(busId)
    queueName: startServiceBusQueue
    identityPrincipalId: identity.outputs.principalId
  }
}

module frontDoor './modules/front-door.bicep' = if (hasFrontDoor) {
  name: 'front-door'
  scope: resourceGroup(groupNames[0])
  params: {
    name: 'afd-${tokens[0]}'
    endpointName: 'meta-agents-${tokens[0]}'
    tags: tags
    sku: frontDoorSku
    origins: origins
    workspaceId: monitoring.outputs.workspaceId
  }
}

module regions './modules/region.bicep' = [for (region, i) in locations: {
  name: 'region-${region}'
  scope: resourceGroup(groupNames[i])
  params: {
    token: tokens[i]
    location: region
    tags: tags
    isActive: region == active
    azdService: i == 0 ? 'api' : ''
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    identityPrincipalId: identity.outputs.principalId
    startQueue: startQueue
    pythonVersion: pythonVersion
    maximumInstanceCount: maximumInstanceCount
    instanceMemoryMB: instanceMemoryMB
    durableAlwaysReadyInstances: durableAlwaysReadyInstances
    updateStrategy: updateStrategy
    zoneRedundant: zoneRedundant
    durableTaskCapacity: durableTaskCapacity
    signalRSku: signalRSku
    signalRUnits: signalRUnits
    otherOrigins: hasFrontDoor ? [ 'https://${frontDoor.outputs.hostName}' ] : []
    modelDeployments: empty(existingOpenAiId) ? modelDeployments : []
    privateNetworking: privateNetworking
    networkFirstNumbers: networkFirstNumbers
    sharedTargets: sharedTargets
    frontDoorId: hasFrontDoor ? frontDoor.outputs.frontDoorId : ''
    workspaceId: monitoring.outputs.workspaceId
    startSettings: union(queueSettings, busSettings)
    // Of two with the same name the later counts, so that what follows is the app's own whatever else is asked for.
    sharedSettings: union(existingModelSettings, modelSettings, embeddingSettings, webhookSettings, moreSettings, {
      // The instrumentation key inside only names the resource: local authentication is off, telemetry needs the identity.
      APPLICATIONINSIGHTS_CONNECTION_STRING: monitoring.outputs.insightsConnectionString
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identity.outputs.clientId};Authorization=AAD'
      AZURE_CLIENT_ID: identity.outputs.clientId
      COSMOS_ENDPOINT: cosmos.outputs.endpoint
      BLOB_ENDPOINT: artifacts.outputs.blobEndpoint
      // One for all instances: without it each would let nobody in, or look for a token on a disk of its own.
      META_AGENTS_TOKEN: keyVault.outputs.tokenReference
    })
  }
}]

module alerts './modules/alerts.bicep' = {
  name: 'alerts'
  scope: resourceGroup(groupNames[0])
  params: {
    namePrefix: 'meta-agents-${environmentName}'
    location: location
    tags: tags
    insightsId: monitoring.outputs.insightsId
    cosmosAccountId: cosmos.outputs.id
    schedulerIds: [for (region, i) in locations: regions[i].outputs.durableTaskSchedulerId]
    actionGroupIds: empty(alertEmails) ? [] : [ monitoring.outputs.actionGroupId ]
    budgetPercent: alertBudgetPercent
    hourlySpending: alertHourlySpending
  }
}

module workbook './modules/workbook.bicep' = {
  name: 'workbook'
  scope: resourceGroup(groupNames[0])
  params: {
    location: location
    tags: tags
    insightsId: monitoring.outputs.insightsId
  }
}

module budget './modules/budget.bicep' = if (monthlyBudget > 0 && !empty(alertEmails)) {
  name: 'budget-${tokens[0]}'
  params: {
    name: 'meta-agents-${environmentName}'
    resourceGroups: groupNames
    amount: monthlyBudget
    emails: alertEmails
  }
  dependsOn: [
    groups
  ]
}

output AZURE_LOCATION string = location
output AZURE_RESOURCE_GROUP string = groupNames[0]
output AZURE_RESOURCE_GROUPS array = groupNames
output AZURE_FUNCTION_APP_NAME string = regions[0].outputs.functionAppName
output AZURE_FUNCTION_APP_URL string = regions[0].outputs.functionAppUrl
// What a new version is brought to first: the app that gets the requests.
output AZURE_ACTIVE_RESOURCE_GROUP string = groupNames[activeIndex]
output AZURE_ACTIVE_FUNCTION_APP_NAME string = regions[activeIndex].outputs.functionAppName
output AZURE_FUNCTION_APP_NAMES array = [for (region, i) in locations: regions[i].outputs.functionAppName]
output AZURE_FRONT_DOOR_URL string = hasFrontDoor ? 'https://${frontDoor.outputs.hostName}' : ''
output AZURE_STORAGE_ACCOUNT_NAME string = regions[0].outputs.storageAccountName
output AZURE_ARTIFACTS_ACCOUNT_NAME string = artifacts.outputs.name
output AZURE_COSMOS_ACCOUNT_NAME string = cosmos.outputs.name
output AZURE_SIGNALR_NAME string = regions[0].outputs.signalRName
output AZURE_DURABLE_TASK_SCHEDULER_NAME string = regions[0].outputs.durableTaskSchedulerName
output AZURE_APPLICATION_INSIGHTS_NAME string = monitoring.outputs.insightsName
output AZURE_KEY_VAULT_NAME string = keyVault.outputs.name
output AZURE_IDENTITY_PRINCIPAL_ID string = identity.outputs.principalId

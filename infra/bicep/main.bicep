// Subscription scope, because azd then owns the resource group: `azd up` creates it, and `azd down` deletes it with
// everything inside. (With resource group scope somebody has to make the group by hand first.)
targetScope = 'subscription'

metadata description = 'Meta-Agents on Azure: one function app, its stores and its messaging, reached by one managed identity and no keys.'

@minLength(1)
@maxLength(64)
@description('Name of the azd environment. It names the resource group and seeds the unique names.')
param environmentName string

@minLength(1)
@description('Region of every resource. It must offer Flex Consumption, Durable Task Scheduler and SignalR Service.')
param location string

@allowed([
  '3.11'
  '3.12'
])
@description('Python of the function app. The project is tested on 3.11.')
param pythonVersion string = '3.11'

@minValue(40)
@maxValue(1000)
@description('Most instances that the function app may scale out to.')
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

@allowed([
  'Free_F1'
  'Standard_S1'
])
@description('Tier of SignalR Service. The free one is for trying out: few connections, a daily cap on messages, no SLA.')
param signalRSku string = 'Free_F1'

@description('Endpoint of an existing Azure OpenAI resource (https://NAME.openai.azure.com/). Empty: no model is configured.')
param openAiEndpoint string = ''

@description('Name of the model deployment that agents use unless they name another.')
param modelName string = ''

@description('Name of the deployment of that resource that makes embeddings for the library. Empty: no library.')
param embeddingModel string = ''

@description('Hosts that webhooks may call, apart by commas. Empty: no webhooks.')
param webhookHosts string = ''

@description('URI of the Key Vault secret that webhooks are signed with; the app\'s identity must be allowed to read it.')
param webhookSecretUri string = ''

@description('More app settings, by name, as docs/configuration.md lists them (TOOL_HOSTS, MODELS_FILE, CALL_LIMITS and so on); secrets as references to a Key Vault.')
param moreSettings object = {}

@description('Storage queue whose messages start executions; it is made in the app\'s own account. Empty: none.')
param startQueue string = ''

@description('Service Bus queue whose messages start executions; it must be there. Empty: none.')
param startServiceBusQueue string = ''

@description('Namespace of that queue: NAME.servicebus.windows.net.')
param serviceBusNamespace string = ''

var token = toLower(uniqueString(subscription().id, environmentName, location))
var tags = {
  'azd-env-name': environmentName
}
var functionAppName = 'func-${token}'
// Left out rather than set empty, so that the app can tell that no model is configured.
var modelSettings = empty(openAiEndpoint) ? {} : { AZURE_OPENAI_ENDPOINT: openAiEndpoint, MODEL_NAME: modelName }
var embeddingSettings = empty(embeddingModel) ? {} : { EMBEDDING_MODEL: embeddingModel }
// A reference that the platform resolves: the secret itself is nowhere in the template or its outputs.
var webhookSettings = empty(webhookHosts) ? {} : { WEBHOOK_HOSTS: webhookHosts, WEBHOOK_SECRET: '@Microsoft.KeyVault(SecretUri=${webhookSecretUri})' }
var queueSettings = empty(startQueue) ? {} : { START_QUEUE: startQueue }

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module identity './modules/identity.bicep' = {
  name: 'identity'
  scope: group
  params: {
    name: 'id-${token}'
    location: location
    tags: tags
  }
}

module monitoring './modules/monitoring.bicep' = {
  name: 'monitoring'
  scope: group
  params: {
    workspaceName: 'log-${token}'
    insightsName: 'appi-${token}'
    location: location
    tags: tags
    identityPrincipalId: identity.outputs.principalId
  }
}

module storage './modules/storage.bicep' = {
  name: 'storage'
  scope: group
  params: {
    name: 'st${token}'
    startQueue: startQueue
    location: location
    tags: tags
    identityPrincipalId: identity.outputs.principalId
  }
}

module cosmos './modules/cosmos.bicep' = {
  name: 'cosmos'
  scope: group
  params: {
    name: 'cosmos-${token}'
    location: location
    tags: tags
    identityPrincipalId: identity.outputs.principalId
  }
}

module signalr './modules/signalr.bicep' = {
  name: 'signalr'
  scope: group
  params: {
    name: 'sigr-${token}'
    location: location
    tags: tags
    sku: signalRSku
    // Written out rather than taken from the function app, whose settings need the address of this service first.
    allowedOrigin: 'https://${functionAppName}.azurewebsites.net'
    identityPrincipalId: identity.outputs.principalId
  }
}

module durableTask './modules/durable-task.bicep' = {
  name: 'durable-task'
  scope: group
  params: {
    name: 'dts-${token}'
    location: location
    tags: tags
    identityPrincipalId: identity.outputs.principalId
  }
}

// Its parameters use the outputs of the modules above, so the app starts only after its roles are assigned.
module functionApp './modules/function-app.bicep' = {
  name: 'function-app'
  scope: group
  params: {
    name: functionAppName
    planName: 'plan-${token}'
    location: location
    tags: tags
    identityId: identity.outputs.id
    deploymentContainerUrl: storage.outputs.deploymentContainerUrl
    pythonVersion: pythonVersion
    maximumInstanceCount: maximumInstanceCount
    instanceMemoryMB: instanceMemoryMB
    durableAlwaysReadyInstances: durableAlwaysReadyInstances
    appSettings: union(modelSettings, embeddingSettings, webhookSettings, moreSettings, queueSettings, empty(startServiceBusQueue) ? {} : {
      START_SERVICE_BUS_QUEUE: startServiceBusQueue
      ServiceBusConnection__fullyQualifiedNamespace: serviceBusNamespace
      ServiceBusConnection__credential: 'managedidentity'
      ServiceBusConnection__clientId: identity.outputs.clientId
    }, {
      AzureWebJobsStorage__accountName: storage.outputs.name
      AzureWebJobsStorage__credential: 'managedidentity'
      AzureWebJobsStorage__clientId: identity.outputs.clientId
      AzureSignalRConnectionString__serviceUri: signalr.outputs.endpoint
      AzureSignalRConnectionString__credential: 'managedidentity'
      AzureSignalRConnectionString__clientId: identity.outputs.clientId
      DURABLE_TASK_SCHEDULER_CONNECTION_STRING: 'Endpoint=${durableTask.outputs.endpoint};Authentication=ManagedIdentity;ClientID=${identity.outputs.clientId}'
      // host.json names no backend, so that a laptop gets Azure Storage (Azurite); these three choose the scheduler here.
      AzureFunctionsJobHost__extensions__durableTask__hubName: durableTask.outputs.taskHubName
      AzureFunctionsJobHost__extensions__durableTask__storageProvider__type: 'azureManaged'
      AzureFunctionsJobHost__extensions__durableTask__storageProvider__connectionStringName: 'DURABLE_TASK_SCHEDULER_CONNECTION_STRING'
      // The instrumentation key inside only names the resource: local authentication is off, telemetry needs the identity.
      APPLICATIONINSIGHTS_CONNECTION_STRING: monitoring.outputs.insightsConnectionString
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identity.outputs.clientId};Authorization=AAD'
      // Streaming HTTP on the Python workers of 3.11 and 3.12 needs the functions indexed while the worker starts.
      PYTHON_ENABLE_INIT_INDEXING: '1'
      // Our own page is served at `/`.
      AzureWebJobsDisableHomepage: 'true'
      AZURE_CLIENT_ID: identity.outputs.clientId
      COSMOS_ENDPOINT: cosmos.outputs.endpoint
      BLOB_ENDPOINT: storage.outputs.blobEndpoint
      // Where documents and artifacts are kept until their Cosmos DB and Blob makers exist; the package itself is read-only.
      META_AGENTS_STATE_DIR: '/tmp/meta-agents'
    })
  }
}

output AZURE_RESOURCE_GROUP string = group.name
output AZURE_FUNCTION_APP_NAME string = functionApp.outputs.name
output AZURE_FUNCTION_APP_URL string = functionApp.outputs.url
output AZURE_STORAGE_ACCOUNT_NAME string = storage.outputs.name
output AZURE_COSMOS_ACCOUNT_NAME string = cosmos.outputs.name
output AZURE_SIGNALR_NAME string = signalr.outputs.name
output AZURE_DURABLE_TASK_SCHEDULER_NAME string = durableTask.outputs.name
output AZURE_APPLICATION_INSIGHTS_NAME string = monitoring.outputs.insightsName
output AZURE_IDENTITY_PRINCIPAL_ID string = identity.outputs.principalId

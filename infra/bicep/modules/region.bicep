metadata description = 'What every region has of its own: the function app with its storage, scheduler, SignalR Service and models, and, if asked for, its network.'

@description('Seeds the names of this region\'s resources.')
param token string

@description('The region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Whether timers and queues start work here. In one region only, or a schedule would start twice.')
param isActive bool

@description('Name of the service in azure.yaml that azd deploys here. Empty: azd does not know this app.')
param azdService string

@description('Resource id of the app\'s identity.')
param identityId string

@description('Client id of the app\'s identity.')
param identityClientId string

@description('Principal id of the app\'s identity.')
param identityPrincipalId string

@description('Application settings that are the same in every region.')
param sharedSettings object

@description('Application settings of what starts work, which only the active region has.')
param startSettings object

@description('Storage queue whose messages start executions. Empty: none.')
param startQueue string

@description('Python of the app.')
param pythonVersion string

@description('Most instances that the app may scale out to.')
param maximumInstanceCount int

@description('Memory of one instance, in MB.')
param instanceMemoryMB int

@description('Instances kept warm for orchestrators, activities and entities.')
param durableAlwaysReadyInstances int

@description('How instances are replaced when a version is deployed: Recreate or RollingUpdate.')
param updateStrategy string

@description('Whether copies and instances are spread over the zones of the region.')
param zoneRedundant bool

@description('Capacity units of a Dedicated scheduler. 0: Consumption.')
param durableTaskCapacity int

@description('Tier of SignalR Service.')
param signalRSku string

@description('Units of SignalR Service.')
param signalRUnits int

@description('Origins whose pages may connect to SignalR Service, beside the app itself.')
param otherOrigins array

@description('Deployments of models, each {name, model, version, sku, capacity}. Empty: no Azure OpenAI is created.')
param modelDeployments array

@description('Whether the app reaches everything by private endpoints only.')
param privateNetworking bool

@description('First two numbers of the addresses of the virtual network.')
param networkFirstNumbers string

@description('What all regions share and the app must reach, each {name, id, group, zone}.')
param sharedTargets array

@description('The one Front Door that may reach the app. Empty: everyone on the internet may.')
param frontDoorId string

@description('Log Analytics workspace that logs go to.')
param workspaceId string

var functionAppName = 'func-${token}'
var storageZones = [
  'privatelink.blob.${environment().suffixes.storage}'
  'privatelink.queue.${environment().suffixes.storage}'
  'privatelink.table.${environment().suffixes.storage}'
]
var otherZones = [
  'privatelink.documents.azure.com'
  'privatelink.durabletask.io'
  'privatelink.openai.azure.com'
  'privatelink.service.signalr.net'
  'privatelink.vaultcore.azure.net'
]
var modelTargets = empty(modelDeployments) ? [] : [ { name: 'openai', id: openAi.outputs.id, group: 'account', zone: 'privatelink.openai.azure.com' } ]
var modelSettings = empty(modelDeployments) ? {} : { AZURE_OPENAI_ENDPOINT: openAi.outputs.endpoint }
// The sweep starts what is scheduled and the purge deletes what is old: documents are shared, so one region does it for all.
var standbySettings = {
  STANDBY: 'true'
  'AzureWebJobs.sweep.Disabled': 'true'
  'AzureWebJobs.purge.Disabled': 'true'
}

module storage './storage.bicep' = {
  name: 'storage'
  params: {
    name: 'st${token}'
    location: location
    tags: tags
    zoneRedundant: zoneRedundant
    privateOnly: privateNetworking
    startQueue: startQueue
    identityPrincipalId: identityPrincipalId
  }
}

module durableTask './durable-task.bicep' = {
  name: 'durable-task'
  params: {
    name: 'dts-${token}'
    location: location
    tags: tags
    capacity: durableTaskCapacity
    privateOnly: privateNetworking
    identityPrincipalId: identityPrincipalId
  }
}

module signalr './signalr.bicep' = {
  name: 'signalr'
  params: {
    name: 'sigr-${token}'
    location: location
    tags: tags
    sku: signalRSku
    units: signalRUnits
    // Written out rather than taken from the function app, whose settings need the address of this service first.
    allowedOrigins: concat([ 'https://${functionAppName}.azurewebsites.net' ], otherOrigins)
    privateOnly: privateNetworking
    identityPrincipalId: identityPrincipalId
  }
}

module openAi './openai.bicep' = if (!empty(modelDeployments)) {
  name: 'openai'
  params: {
    name: 'oai-${token}'
    location: location
    tags: tags
    deployments: modelDeployments
    privateOnly: privateNetworking
    identityPrincipalId: identityPrincipalId
    workspaceId: workspaceId
  }
}

module network './network.bicep' = if (privateNetworking) {
  name: 'network'
  params: {
    name: 'vnet-${token}'
    location: location
    tags: tags
    firstNumbers: networkFirstNumbers
    zones: concat(storageZones, otherZones)
  }
}

module endpoints './private-endpoints.bicep' = if (privateNetworking) {
  name: 'private-endpoints'
  params: {
    location: location
    tags: tags
    subnetId: privateNetworking ? network.outputs.endpointsSubnetId : ''
    targets: concat(sharedTargets, modelTargets, [
      { name: 'host-blob', id: storage.outputs.id, group: 'blob', zone: storageZones[0] }
      { name: 'host-queue', id: storage.outputs.id, group: 'queue', zone: storageZones[1] }
      { name: 'host-table', id: storage.outputs.id, group: 'table', zone: storageZones[2] }
      { name: 'scheduler', id: durableTask.outputs.id, group: 'scheduler', zone: 'privatelink.durabletask.io' }
      { name: 'signalr', id: signalr.outputs.id, group: 'signalr', zone: 'privatelink.service.signalr.net' }
    ])
  }
}

// Its parameters use the outputs of the modules above, so the app starts only after its roles are assigned.
module functionApp './function-app.bicep' = {
  name: 'function-app'
  dependsOn: [
    endpoints
  ]
  params: {
    name: functionAppName
    planName: 'plan-${token}'
    location: location
    tags: tags
    azdService: azdService
    identityId: identityId
    deploymentContainerUrl: storage.outputs.deploymentContainerUrl
    pythonVersion: pythonVersion
    maximumInstanceCount: maximumInstanceCount
    instanceMemoryMB: instanceMemoryMB
    durableAlwaysReadyInstances: durableAlwaysReadyInstances
    updateStrategy: updateStrategy
    zoneRedundant: zoneRedundant
    subnetId: privateNetworking ? network.outputs.functionsSubnetId : ''
    frontDoorId: frontDoorId
    // Of two with the same name the later counts.
    appSettings: union(sharedSettings, modelSettings, isActive ? startSettings : standbySettings, {
      AzureWebJobsStorage__accountName: storage.outputs.name
      AzureWebJobsStorage__credential: 'managedidentity'
      AzureWebJobsStorage__clientId: identityClientId
      AzureSignalRConnectionString__serviceUri: signalr.outputs.endpoint
      AzureSignalRConnectionString__credential: 'managedidentity'
      AzureSignalRConnectionString__clientId: identityClientId
      // host.json says that this is the backend, and which hub. No setting here may say so instead: the platform reads
      // that file alone when it decides whether an instance is needed, and would look at the wrong place.
      DURABLE_TASK_SCHEDULER_CONNECTION_STRING: 'Endpoint=${durableTask.outputs.endpoint};Authentication=ManagedIdentity;ClientID=${identityClientId}'
      // Streaming HTTP on the Python workers of 3.11 and 3.12 needs the functions indexed while the worker starts.
      PYTHON_ENABLE_INIT_INDEXING: '1'
      // The worker sends the app's telemetry itself; without this the host would send its logs once more.
      PYTHON_ENABLE_OPENTELEMETRY: 'true'
      // Our own page is served at `/`.
      AzureWebJobsDisableHomepage: 'true'
    })
  }
}

output functionAppName string = functionApp.outputs.name
output functionAppUrl string = functionApp.outputs.url
output storageAccountName string = storage.outputs.name
output signalRName string = signalr.outputs.name
output durableTaskSchedulerName string = durableTask.outputs.name
output durableTaskSchedulerId string = durableTask.outputs.id

metadata description = 'Durable Task Scheduler and its task hub: the backend of the orchestrations of one region. It knows no keys, only Entra ID.'

@minLength(3)
@maxLength(64)
@description('Name of the scheduler.')
param name string

@description('Region of the scheduler.')
param location string

@description('Tags of every resource.')
param tags object

@minValue(0)
@maxValue(3)
@description('Capacity units of the Dedicated SKU; three are redundant over zones. 0: the Consumption SKU, billed by action.')
param capacity int

@description('Whether only private endpoints lead to the scheduler.')
param privateOnly bool

@description('Principal that may work on the task hub.')
param identityPrincipalId string

// The same name as in host.json: the platform reads that file to decide when to scale.
var taskHubName = 'MetaAgents'
var durableTaskDataContributor = '0ad04412-c4d5-4796-b79c-f76d14c8d402'

resource scheduler 'Microsoft.DurableTask/schedulers@2026-02-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    // An empty list would refuse everyone, and outside a virtual network Flex Consumption has no fixed addresses to name.
    ipAllowlist: [
      '0.0.0.0/0'
    ]
    publicNetworkAccess: privateOnly ? 'Disabled' : 'Enabled'
    sku: capacity == 0 ? { name: 'Consumption' } : { name: 'Dedicated', capacity: capacity }
  }
}

resource taskHub 'Microsoft.DurableTask/schedulers/taskHubs@2026-02-01' = {
  parent: scheduler
  name: taskHubName
  properties: {}
}

resource contributorRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(taskHub.id, identityPrincipalId, durableTaskDataContributor)
  scope: taskHub
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', durableTaskDataContributor)
    principalId: identityPrincipalId
    principalType: 'ServicePrincipal'
  }
}

output id string = scheduler.id
output name string = scheduler.name
output endpoint string = scheduler.properties.endpoint

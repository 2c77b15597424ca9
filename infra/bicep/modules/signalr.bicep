metadata description = 'SignalR Service in serverless mode: the app negotiates and sends over REST, browsers hold the connections.'

@minLength(3)
@maxLength(63)
@description('Name of the service.')
param name string

@description('Region of the service.')
param location string

@description('Tags of every resource.')
param tags object

@description('Tier of the service.')
param sku string

@minValue(1)
@maxValue(100)
@description('Units; each holds 1000 connections. The free tier has one.')
param units int

@description('Origins whose pages may connect.')
param allowedOrigins array

@description('Whether the app reaches the service by a private endpoint only. Browsers connect from wherever they are. Not on the free tier.')
param privateOnly bool

@description('Principal that may negotiate, send and manage groups.')
param identityPrincipalId string

// Owner of the data plane: negotiating signs client tokens and sending is REST, and no smaller built-in role has both.
var signalRServiceOwner = '7e4f1700-ea5a-4f59-8f37-079cfe29dce3'
// What is not named here is for the default to say: private endpoints may do everything, browsers may connect.
var onlyClientsFromOutside = {
  defaultAction: 'Allow'
  publicNetwork: {
    deny: [
      'ServerConnection'
      'RESTAPI'
      'Trace'
    ]
  }
}

resource service 'Microsoft.SignalRService/signalR@2024-03-01' = {
  name: name
  location: location
  tags: tags
  kind: 'SignalR'
  sku: {
    name: sku
    capacity: units
  }
  properties: {
    disableLocalAuth: true
    disableAadAuth: false
    publicNetworkAccess: 'Enabled'
    networkACLs: privateOnly ? onlyClientsFromOutside : null
    features: [
      {
        flag: 'ServiceMode'
        value: 'Serverless'
      }
    ]
    cors: {
      allowedOrigins: allowedOrigins
    }
  }
}

resource ownerRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(service.id, identityPrincipalId, signalRServiceOwner)
  scope: service
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', signalRServiceOwner)
    principalId: identityPrincipalId
    principalType: 'ServicePrincipal'
  }
}

output id string = service.id
output name string = service.name
output endpoint string = 'https://${service.properties.hostName}'

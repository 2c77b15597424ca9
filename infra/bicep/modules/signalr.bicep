metadata description = 'SignalR Service in serverless mode: the app negotiates and sends over REST, browsers hold the connections.'

param name string
param location string
param tags object

@allowed([
  'Free_F1'
  'Standard_S1'
])
param sku string

@description('The one origin whose pages may connect.')
param allowedOrigin string

@description('Principal that may negotiate, send and manage groups.')
param identityPrincipalId string

// Owner of the data plane: negotiating signs client tokens and sending is REST, and no smaller built-in role has both.
var signalRServiceOwner = '7e4f1700-ea5a-4f59-8f37-079cfe29dce3'

resource service 'Microsoft.SignalRService/signalR@2024-03-01' = {
  name: name
  location: location
  tags: tags
  kind: 'SignalR'
  sku: {
    name: sku
    capacity: 1
  }
  properties: {
    disableLocalAuth: true
    disableAadAuth: false
    features: [
      {
        flag: 'ServiceMode'
        value: 'Serverless'
      }
    ]
    cors: {
      allowedOrigins: [
        allowedOrigin
      ]
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

output name string = service.name
output endpoint string = 'https://${service.properties.hostName}'

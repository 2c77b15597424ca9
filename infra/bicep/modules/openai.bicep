metadata description = 'Azure OpenAI with its deployments of models. Identity only, no keys.'

@minLength(2)
@maxLength(64)
@description('Name of the account, and of its host: NAME.openai.azure.com.')
param name string

@description('Region of the account; it must have quota for the models.')
param location string

@description('Tags of every resource.')
param tags object

@description('Deployments, each {name, model, version, sku, capacity}: capacity in thousands of tokens a minute.')
param deployments array

@description('Whether only private endpoints lead to the account.')
param privateOnly bool

@description('Principal that may call the models.')
param identityPrincipalId string

@description('Log Analytics workspace that the audit log goes to.')
param workspaceId string

var cognitiveServicesOpenAIUser = '5e0bd9bd-7b93-4f28-af87-19fc36ad61bd'

resource account 'Microsoft.CognitiveServices/accounts@2025-06-01' = {
  // checkov:skip=CKV_AZURE_134: whether it has a public address is a parameter; checkov does not evaluate it
  // checkov:skip=CKV_AZURE_238: it calls nothing itself, so it needs no identity of its own
  name: name
  location: location
  tags: tags
  kind: 'OpenAI'
  sku: {
    name: 'S0'
  }
  properties: {
    // Tokens of Entra ID are taken at an address of the account's own only.
    customSubDomainName: name
    disableLocalAuth: true
    publicNetworkAccess: privateOnly ? 'Disabled' : 'Enabled'
    networkAcls: {
      defaultAction: privateOnly ? 'Deny' : 'Allow'
    }
  }
}

// One at a time: the account takes one change of its deployments at once.
@batchSize(1)
resource models 'Microsoft.CognitiveServices/accounts/deployments@2025-06-01' = [for deployment in deployments: {
  parent: account
  name: deployment.name
  sku: {
    name: deployment.sku
    capacity: deployment.capacity
  }
  properties: {
    model: {
      format: 'OpenAI'
      name: deployment.model
      version: deployment.version
    }
    // A model that changes under a workflow would change its answers: only one that is withdrawn is followed.
    versionUpgradeOption: 'OnceCurrentVersionExpired'
  }
}]

resource userRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(account.id, identityPrincipalId, cognitiveServicesOpenAIUser)
  scope: account
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', cognitiveServicesOpenAIUser)
    principalId: identityPrincipalId
    principalType: 'ServicePrincipal'
  }
}

resource audit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'audit'
  scope: account
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'Audit'
        enabled: true
      }
    ]
  }
}

output id string = account.id
output endpoint string = account.properties.endpoint

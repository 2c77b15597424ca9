metadata description = 'Key Vault of the deployment: the token that callers send, what webhooks are signed with, and secrets of tools and models.'

@minLength(3)
@maxLength(24)
@description('Name of the vault.')
param name string

@description('Region of the vault.')
param location string

@description('Tags of every resource.')
param tags object

@minValue(7)
@maxValue(90)
@description('Days that a deleted vault or secret can be had back. It cannot be changed later.')
param retentionDays int

@description('Whether to take back the vault of this name that `azd down` deleted, with its secrets.')
param recover bool

@description('Whether only private endpoints lead to the vault.')
param privateOnly bool

@description('Principal that may read secrets: the app.')
param identityPrincipalId string

@description('Principal that may read and write secrets: whoever runs the deployment. Empty: nobody.')
param operatorPrincipalId string

@description('Log Analytics workspace that the audit log goes to.')
param workspaceId string

var keyVaultSecretsUser = '4633458b-17de-408a-b874-0445c86b69e6'
var keyVaultSecretsOfficer = 'b86a8fe4-44ce-4948-aee5-eccb2c155cd7'

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' = {
  // checkov:skip=CKV_AZURE_109: see networkAcls below
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: subscription().tenantId
    sku: {
      family: 'A'
      name: 'standard'
    }
    createMode: recover ? 'recover' : 'default'
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: retentionDays
    // Nobody, not even its owner, can delete the secrets for good before that. It cannot be taken back.
    enablePurgeProtection: true
    publicNetworkAccess: privateOnly ? 'Disabled' : 'Enabled'
    networkAcls: {
      // Outside a virtual network Flex Consumption has no fixed outbound addresses to allow.
      defaultAction: privateOnly ? 'Deny' : 'Allow'
      bypass: 'AzureServices'
    }
  }
}

module secrets './first-secrets.bicep' = {
  name: 'first-secrets'
  params: {
    vaultName: vault.name
  }
}

resource appRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(vault.id, identityPrincipalId, keyVaultSecretsUser)
  scope: vault
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', keyVaultSecretsUser)
    principalId: identityPrincipalId
    principalType: 'ServicePrincipal'
  }
}

resource operatorRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(operatorPrincipalId)) {
  name: guid(vault.id, operatorPrincipalId, keyVaultSecretsOfficer)
  scope: vault
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', keyVaultSecretsOfficer)
    // A person or a workflow: Azure finds out which.
    principalId: operatorPrincipalId
  }
}

resource audit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'audit'
  scope: vault
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        categoryGroup: 'audit'
        enabled: true
      }
    ]
  }
}

output id string = vault.id
output name string = vault.name
output tokenReference string = '@Microsoft.KeyVault(SecretUri=${secrets.outputs.tokenUri})'
output webhookSecretReference string = '@Microsoft.KeyVault(SecretUri=${secrets.outputs.webhookSecretUri})'

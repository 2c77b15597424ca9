metadata description = 'The secrets that the app cannot be without: made once, at random, and never touched again. People and runbooks change them.'

@description('Vault that they are kept in.')
param vaultName string

@secure()
@description('Random. Not to be given: a deployment makes it, and it counts only where the secret is not there yet.')
param newToken string = '${newGuid()}${newGuid()}'

@secure()
@description('Random, in the form that Standard Webhooks asks for. Not to be given, as above.')
param newWebhookSecret string = 'whsec_${base64(replace('${newGuid()}${newGuid()}', '-', ''))}'

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' existing = {
  name: vaultName
}

@onlyIfNotExists()
resource token 'Microsoft.KeyVault/vaults/secrets@2024-11-01' = {
  // checkov:skip=CKV_AZURE_41: a runbook changes it; were it to expire by itself, every caller would be locked out
  parent: vault
  name: 'meta-agents-token'
  properties: {
    value: newToken
    contentType: 'text/plain'
  }
}

@onlyIfNotExists()
resource webhookSecret 'Microsoft.KeyVault/vaults/secrets@2024-11-01' = {
  // checkov:skip=CKV_AZURE_41: a runbook changes it; were it to expire by itself, receivers would refuse every call
  parent: vault
  name: 'webhook-secret'
  properties: {
    value: newWebhookSecret
    contentType: 'text/plain'
  }
}

// Without a version: the app has the newest within a day, or at once when its settings are written again.
output tokenUri string = '${vault.properties.vaultUri}secrets/${token.name}'
output webhookSecretUri string = '${vault.properties.vaultUri}secrets/${webhookSecret.name}'

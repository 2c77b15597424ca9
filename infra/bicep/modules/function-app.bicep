metadata description = 'Flex Consumption plan and the function app, which takes its package from a blob container by identity.'

param name string
param planName string
param location string
param tags object

@description('Resource id of the user-assigned identity: the only one the app has.')
param identityId string
param deploymentContainerUrl string
param pythonVersion string
param maximumInstanceCount int
param instanceMemoryMB int
param durableAlwaysReadyInstances int

@description('Every application setting. None may be a secret.')
param appSettings object

// All orchestrators, activities and entities scale together, as the group that the platform calls `durable`.
var durableAlwaysReady = [
  {
    name: 'durable'
    instanceCount: durableAlwaysReadyInstances
  }
]

resource plan 'Microsoft.Web/serverfarms@2024-04-01' = {
  // checkov:skip=CKV_AZURE_225: zone redundancy costs always-ready instances; the owner of a production app decides it
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    tier: 'FlexConsumption'
    name: 'FC1'
  }
  properties: {
    reserved: true
  }
}

resource app 'Microsoft.Web/sites@2024-04-01' = {
  // checkov:skip=CKV_AZURE_222: the API is for callers on the internet; the app authenticates them
  // checkov:skip=CKV_AZURE_17: callers are people in browsers and other services, not holders of client certificates
  // checkov:skip=CKV_AZURE_212: Flex Consumption sets its instances in functionAppConfig, not in a worker count
  // checkov:skip=CKV_AZURE_213: Flex Consumption adds and drops instances with the load and has no health-check path
  name: name
  location: location
  // azd finds the app to deploy to by this tag; its value is the service's name in azure.yaml.
  tags: union(tags, { 'azd-service-name': 'api' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    // Settings may refer to secrets in a Key Vault: it is this identity that reads them.
    keyVaultReferenceIdentity: identityId
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: deploymentContainerUrl
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      scaleAndConcurrency: {
        maximumInstanceCount: maximumInstanceCount
        instanceMemoryMB: instanceMemoryMB
        alwaysReady: durableAlwaysReadyInstances == 0 ? [] : durableAlwaysReady
      }
      runtime: {
        name: 'python'
        version: pythonVersion
      }
    }
    siteConfig: {
      minTlsVersion: '1.2'
      ftpsState: 'Disabled'
      // Over HTTP/1.1 a browser keeps six connections to one host, and each event stream holds one.
      http20Enabled: true
    }
  }
}

resource ftpPublishing 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-04-01' = {
  parent: app
  name: 'ftp'
  properties: {
    allow: false
  }
}

resource scmPublishing 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-04-01' = {
  parent: app
  name: 'scm'
  properties: {
    allow: false
  }
}

resource settings 'Microsoft.Web/sites/config@2024-04-01' = {
  // checkov:skip=CKV_AZURE_13: callers are authenticated by the app, which needs their tenant and roles
  // checkov:skip=CKV_AZURE_63: these are application settings, not the site's logs; telemetry goes to Application Insights
  // checkov:skip=CKV_AZURE_65: these are application settings, not the site's logs
  // checkov:skip=CKV_AZURE_66: these are application settings, not the site's logs
  // checkov:skip=CKV_AZURE_80: no .NET in this app
  // checkov:skip=CKV_AZURE_88: the app mounts no file share
  // checkov:skip=CKV_AZURE_222: these are application settings; see the site
  parent: app
  name: 'appsettings'
  properties: appSettings
}

output name string = app.name
output url string = 'https://${app.properties.defaultHostName}'

metadata description = 'Flex Consumption plan and the function app, which takes its package from a blob container by identity.'

@description('Name of the app, and of its host: NAME.azurewebsites.net.')
param name string

@description('Name of the plan.')
param planName string

@description('Region of the app.')
param location string

@description('Tags of every resource.')
param tags object

@description('Name of the service in azure.yaml that azd deploys here. Empty: azd does not know this app.')
param azdService string

@description('Resource id of the user-assigned identity: the only one the app has.')
param identityId string

@description('Blob container that holds the package.')
param deploymentContainerUrl string

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

@description('Whether instances are spread over the zones of the region.')
param zoneRedundant bool

@description('Subnet that the app sends from. Empty: it is in no virtual network.')
param subnetId string

@description('The one Front Door that may reach the app. Empty: everyone on the internet may.')
param frontDoorId string

@description('Every application setting. None may be a secret; a reference to one is none.')
param appSettings object

// All orchestrators, activities and entities scale together, as the group that the platform calls `durable`.
var durableAlwaysReady = [
  {
    name: 'durable'
    instanceCount: durableAlwaysReadyInstances
  }
]
// Only requests that Front Door made, and of all Front Doors in the world only ours.
var fromFrontDoor = [
  {
    name: 'front-door'
    priority: 100
    action: 'Allow'
    tag: 'ServiceTag'
    ipAddress: 'AzureFrontDoor.Backend'
    headers: {
      'x-azure-fdid': [
        frontDoorId
      ]
    }
  }
]

resource plan 'Microsoft.Web/serverfarms@2024-11-01' = {
  // checkov:skip=CKV_AZURE_225: whether it is spread over zones is a parameter; checkov does not evaluate it
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
    zoneRedundant: zoneRedundant
  }
}

resource app 'Microsoft.Web/sites@2024-11-01' = {
  // checkov:skip=CKV_AZURE_222: the API is for callers on the internet; the app authenticates them
  // checkov:skip=CKV_AZURE_17: callers are people in browsers and other services, not holders of client certificates
  // checkov:skip=CKV_AZURE_212: Flex Consumption sets its instances in functionAppConfig, not in a worker count
  // checkov:skip=CKV_AZURE_213: Flex Consumption adds and drops instances with the load and has no health-check path
  name: name
  location: location
  // azd finds the app to deploy to by this tag.
  tags: empty(azdService) ? tags : union(tags, { 'azd-service-name': azdService })
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
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
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
      // Documented for this version of the API, and not among the types that the compiler knows.
      #disable-next-line BCP037
      siteUpdateStrategy: {
        type: updateStrategy
      }
    }
    siteConfig: {
      minTlsVersion: '1.2'
      ftpsState: 'Disabled'
      // Over HTTP/1.1 a browser keeps six connections to one host, and each event stream holds one.
      http20Enabled: true
      ipSecurityRestrictions: empty(frontDoorId) ? [] : fromFrontDoor
      ipSecurityRestrictionsDefaultAction: empty(frontDoorId) ? 'Allow' : 'Deny'
    }
  }
}

resource ftpPublishing 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-11-01' = {
  parent: app
  name: 'ftp'
  properties: {
    allow: false
  }
}

resource scmPublishing 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-11-01' = {
  parent: app
  name: 'scm'
  properties: {
    allow: false
  }
}

resource settings 'Microsoft.Web/sites/config@2024-11-01' = {
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

metadata description = 'Front Door before the apps of one or several regions: the first healthy one, in order, gets all requests.'

@description('Name of the profile.')
param name string

@description('Name of the endpoint, the first part of its host name.')
param endpointName string

@description('Tags of every resource.')
param tags object

@description('Tier of Front Door.')
param sku string

@description('Apps, each {name, hostName, priority}: of the healthy ones, those with the lowest priority get the requests.')
param origins array

@description('Log Analytics workspace that the logs of requests and probes go to.')
param workspaceId string

resource profile 'Microsoft.Cdn/profiles@2025-04-15' = {
  name: name
  location: 'global'
  tags: tags
  sku: {
    name: sku
  }
  properties: {
    // The longest that there is: an event stream may be silent for a while.
    originResponseTimeoutSeconds: 240
  }
}

resource endpoint 'Microsoft.Cdn/profiles/afdEndpoints@2025-04-15' = {
  parent: profile
  name: endpointName
  location: 'global'
  tags: tags
  properties: {
    enabledState: 'Enabled'
  }
}

resource apps 'Microsoft.Cdn/profiles/originGroups@2025-04-15' = {
  parent: profile
  name: 'apps'
  properties: {
    sessionAffinityState: 'Disabled'
    loadBalancingSettings: {
      sampleSize: 4
      successfulSamplesRequired: 2
      additionalLatencyInMilliseconds: 0
    }
    healthProbeSettings: {
      probePath: '/api/health'
      probeProtocol: 'Https'
      probeRequestType: 'GET'
      // Each of Front Door's many places asks by itself, so an app behind it is never idle.
      probeIntervalInSeconds: 60
    }
  }
}

resource regions 'Microsoft.Cdn/profiles/originGroups/origins@2025-04-15' = [for origin in origins: {
  parent: apps
  name: origin.name
  properties: {
    hostName: origin.hostName
    originHostHeader: origin.hostName
    priority: origin.priority
    weight: 1000
    httpsPort: 443
    enabledState: 'Enabled'
    enforceCertificateNameCheck: true
  }
}]

resource route 'Microsoft.Cdn/profiles/afdEndpoints/routes@2025-04-15' = {
  parent: endpoint
  name: 'all'
  // A route to a group without origins is refused.
  dependsOn: [
    regions
  ]
  properties: {
    originGroup: {
      id: apps.id
    }
    supportedProtocols: [
      'Http'
      'Https'
    ]
    patternsToMatch: [
      '/*'
    ]
    httpsRedirect: 'Enabled'
    forwardingProtocol: 'HttpsOnly'
    linkToDefaultDomain: 'Enabled'
    enabledState: 'Enabled'
  }
}

resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'requests-and-probes'
  scope: profile
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'FrontDoorAccessLog'
        enabled: true
      }
      {
        category: 'FrontDoorHealthProbeLog'
        enabled: true
      }
    ]
  }
}

output hostName string = endpoint.properties.hostName
// What tells requests that came through this profile from those through anyone else's.
output frontDoorId string = profile.properties.frontDoorId

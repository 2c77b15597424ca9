metadata description = 'Virtual network of one region: a subnet that the app sends from, one for private endpoints, and the zones that name these.'

@description('Name of the virtual network.')
param name string

@description('Region of the network.')
param location string

@description('Tags of every resource.')
param tags object

@description('First two numbers of its addresses. Networks of different regions are not connected and may have the same.')
param firstNumbers string

@description('Private DNS zones, by name.')
param zones array

var endpointsSubnet = 'endpoints'
var functionsSubnet = 'functions'

resource rules 'Microsoft.Network/networkSecurityGroups@2024-05-01' = {
  name: '${name}-rules'
  location: location
  tags: tags
  properties: {
    // The built-in rules are what is wanted: traffic within the network, nothing into it from outside.
    securityRules: []
  }
}

resource network 'Microsoft.Network/virtualNetworks@2024-05-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    addressSpace: {
      addressPrefixes: [
        '${firstNumbers}.0.0/22'
      ]
    }
    subnets: [
      {
        name: functionsSubnet
        properties: {
          addressPrefix: '${firstNumbers}.0.0/24'
          networkSecurityGroup: {
            id: rules.id
          }
          delegations: [
            {
              name: 'flex-consumption'
              properties: {
                serviceName: 'Microsoft.App/environments'
              }
            }
          ]
        }
      }
      {
        name: endpointsSubnet
        properties: {
          addressPrefix: '${firstNumbers}.1.0/24'
          networkSecurityGroup: {
            id: rules.id
          }
        }
      }
    ]
  }
}

resource dnsZones 'Microsoft.Network/privateDnsZones@2024-06-01' = [for zone in zones: {
  name: zone
  location: 'global'
  tags: tags
}]

resource links 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [for (zone, i) in zones: {
  parent: dnsZones[i]
  name: name
  location: 'global'
  tags: tags
  properties: {
    registrationEnabled: false
    virtualNetwork: {
      id: network.id
    }
  }
}]

output functionsSubnetId string = '${network.id}/subnets/${functionsSubnet}'
output endpointsSubnetId string = '${network.id}/subnets/${endpointsSubnet}'

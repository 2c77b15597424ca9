metadata description = 'Cosmos DB for NoSQL: one container for every kind of document, one for the passages of the library. Identity only, no keys.'

@description('Name of the account.')
param name string

@description('Region that the account itself is in. It cannot be changed.')
param location string

@description('Regions that hold documents: the first is written in, the others take over in their order. More than one needs autoscale.')
param regions array

@description('Tags of every resource.')
param tags object

@description('Whether each region keeps its copies in several zones.')
param zoneRedundant bool

@minValue(0)
@maxValue(1000000)
@description('Most request units a second of the container `documents`, a multiple of 1000; a tenth is paid for when idle. 0: serverless.')
param maxThroughput int

@minValue(0)
@maxValue(1000000)
@description('The same for the container `passages`. It does not count when serverless.')
param libraryMaxThroughput int

@description('How far back the account can be restored to any second. Seven days cost nothing.')
param backupTier string

@description('Whether only private endpoints lead to the account.')
param privateOnly bool

@description('Principal that may read and write documents. It may not create databases or containers: this file does.')
param identityPrincipalId string

@description('Log Analytics workspace that changes to the account, and the load of partitions, are logged in.')
param workspaceId string

// As COSMOS_DATABASE, COSMOS_CONTAINER and COSMOS_LIBRARY_CONTAINER of the app have them when unset.
var databaseName = 'meta-agents'
var documentsName = 'documents'
var passagesName = 'passages'
var dataContributor = '00000000-0000-0000-0000-000000000002'
// Fields of bodies that documents are looked for by; services/documents/cosmos_items.py has the same.
var selected = [
  'evaluates'
  'execution'
  'kind'
  'name'
  'role'
  'state'
  'status'
  'workflow'
]
// Fields of passages that searches filter by (a partition key is in no index unless it is named), and lengths of vectors; services/library/cosmos_container.py has the same.
var filtered = [
  'document'
  'number'
  'scope'
  'space'
  'upload'
]
var dimensions = [
  256
  384
  512
  768
  1024
  1536
  3072
]
var documentPaths = [
  {
    path: '/tenant/?'
  }
  {
    path: '/partition/?'
  }
  {
    path: '/key/?'
  }
  {
    path: '/at/?'
  }
]
var selectedPaths = [for name in selected: {
  path: '/body/${name}/?'
}]
var strong = {
  defaultConsistencyLevel: 'Strong'
}
// With the least that Azure allows. Reads in the region that is written in, which all apps read, are as with `Strong`;
// but writes do not wait for the other regions.
var likeStrongWhereWritten = {
  defaultConsistencyLevel: 'BoundedStaleness'
  maxStalenessPrefix: 100000
  maxIntervalInSeconds: 300
}
var serverless = [
  {
    name: 'EnableServerless'
  }
]
var search = [
  {
    name: 'EnableNoSQLVectorSearch'
  }
  {
    name: 'EnableNoSQLFullTextSearch'
  }
]

resource account 'Microsoft.DocumentDB/databaseAccounts@2025-10-15' = {
  // checkov:skip=CKV_AZURE_99: see publicNetworkAccess; access is by identity alone
  // checkov:skip=CKV_AZURE_101: whether it has a public address is a parameter; checkov does not evaluate it
  name: name
  location: location
  tags: tags
  kind: 'GlobalDocumentDB'
  properties: {
    databaseAccountOfferType: 'Standard'
    disableLocalAuth: true
    disableKeyBasedMetadataWriteAccess: true
    minimalTlsVersion: 'Tls12'
    publicNetworkAccess: privateOnly ? 'Disabled' : 'Enabled'
    capabilities: maxThroughput == 0 ? concat(serverless, search) : search
    // Many instances work on the same documents, and each has to read what the others have written.
    consistencyPolicy: length(regions) > 1 ? likeStrongWhereWritten : strong
    // One region writes: with several, the same ETag could win twice.
    enableMultipleWriteLocations: false
    enableAutomaticFailover: length(regions) > 1
    locations: [for (region, i) in regions: {
      locationName: region
      failoverPriority: i
      isZoneRedundant: zoneRedundant
    }]
    backupPolicy: {
      type: 'Continuous'
      continuousModeProperties: {
        tier: backupTier
      }
    }
  }
}

resource database 'Microsoft.DocumentDB/databaseAccounts/sqlDatabases@2025-10-15' = {
  parent: account
  name: databaseName
  properties: {
    resource: {
      id: databaseName
    }
  }
}

resource documents 'Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers@2025-10-15' = {
  parent: database
  name: documentsName
  properties: {
    options: maxThroughput == 0 ? {} : { autoscaleSettings: { maxThroughput: maxThroughput } }
    resource: {
      id: documentsName
      // A tenant may outgrow one partition of 20 GB: its documents are then spread by the second level.
      partitionKey: {
        kind: 'MultiHash'
        version: 2
        paths: [
          '/tenant'
          '/partition'
        ]
      }
      // On, with no default: a document lives for ever unless it carries its own `ttl`.
      defaultTtl: -1
      indexingPolicy: {
        indexingMode: 'consistent'
        automatic: true
        includedPaths: concat(documentPaths, selectedPaths)
        // Whatever else bodies hold is read, never searched: an index of it would be paid for at each write.
        excludedPaths: [
          {
            path: '/*'
          }
        ]
      }
    }
  }
}

resource passages 'Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers@2025-10-15' = {
  parent: database
  name: passagesName
  properties: {
    // Vectors are searched with throughput of the container's own only.
    options: maxThroughput == 0 ? {} : { autoscaleSettings: { maxThroughput: libraryMaxThroughput } }
    resource: {
      id: passagesName
      partitionKey: {
        kind: 'Hash'
        version: 2
        paths: [
          '/scope'
        ]
      }
      defaultTtl: -1
      indexingPolicy: {
        indexingMode: 'consistent'
        automatic: true
        includedPaths: [for name in filtered: {
          path: '/${name}/?'
        }]
        excludedPaths: [
          {
            path: '/*'
          }
        ]
        fullTextIndexes: [
          {
            path: '/words'
          }
        ]
        vectorIndexes: [for size in dimensions: {
          path: '/v${size}'
          type: 'quantizedFlat'
        }]
      }
      vectorEmbeddingPolicy: {
        vectorEmbeddings: [for size in dimensions: {
          path: '/v${size}'
          dataType: 'float32'
          distanceFunction: 'dotproduct'
          dimensions: size
        }]
      }
      fullTextPolicy: {
        defaultLanguage: 'en-US'
        fullTextPaths: [
          {
            path: '/words'
            language: 'en-US'
          }
        ]
      }
    }
  }
}

// On the account, not the database: the client reads the account's metadata first, and nothing else lives in it.
resource dataRole 'Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments@2025-10-15' = {
  parent: account
  name: guid(account.id, identityPrincipalId, dataContributor)
  properties: {
    roleDefinitionId: '${account.id}/sqlRoleDefinitions/${dataContributor}'
    principalId: identityPrincipalId
    scope: account.id
  }
}

resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'changes-and-load'
  scope: account
  properties: {
    workspaceId: workspaceId
    logAnalyticsDestinationType: 'Dedicated'
    logs: [
      {
        category: 'ControlPlaneRequests'
        enabled: true
      }
      {
        // Which partitions are hot, when requests are refused with 429.
        category: 'PartitionKeyRUConsumption'
        enabled: true
      }
    ]
  }
}

output id string = account.id
output name string = account.name
output endpoint string = account.properties.documentEndpoint

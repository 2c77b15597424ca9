metadata description = 'A workbook over the telemetry of the app: how executions go, what they cost, what holds them up.'

@description('Region of the workbook.')
param location string

@description('Tags of the workbook.')
param tags object

@description('Resource id of the Application Insights resource that it reads.')
param insightsId string

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  // Azure wants a GUID for a name.
  name: guid(insightsId, 'meta-agents')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'Meta-Agents'
    category: 'workbook'
    version: 'Notebook/1.0'
    sourceId: insightsId
    serializedData: replace(loadTextContent('../workbook.json'), 'INSIGHTS-ID', insightsId)
  }
}

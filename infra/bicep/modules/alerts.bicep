metadata description = 'Alert rules: what the app tells of itself, by queries, and what the platform tells of it, by metrics.'

@description('What the names of the rules begin with.')
param namePrefix string

@description('Region of the rules that run queries. The others are global.')
param location string

@description('Tags of every resource.')
param tags object

@description('Resource id of the Application Insights resource that the queries run on.')
param insightsId string

@description('Resource id of the Cosmos DB account.')
param cosmosAccountId string

@description('Resource ids of the Durable Task Schedulers, one of each region.')
param schedulerIds array

@description('Resource ids of the action groups that are told. Empty: alerts are only shown in the portal.')
param actionGroupIds array

@minValue(1)
@maxValue(100)
@description('Percent of a budget of the app from which its use is an alert.')
param budgetPercent int

@minValue(1)
@description('US dollars that model calls may cost in an hour before it is an alert.')
param hourlySpending int

var toldGroups = [for id in actionGroupIds: {
  actionGroupId: id
}]

// Severity 0 is critical, 4 verbose. A column that is not named is split by: each of its values is an alert of its own.
var rules = [
  {
    name: 'no-sweep'
    title: 'The sweep does not run'
    description: 'No timer runs, or no telemetry arrives: the app is down, or cut off. See the runbook for a stuck execution.'
    query: loadTextContent('../queries/no-sweep.kql')
    column: 'reports'
    splitBy: ''
    operator: 'LessThan'
    threshold: 1
    severity: 1
    frequency: 'PT15M'
    window: 'PT30M'
  }
  {
    name: 'platform-failures'
    title: 'Failures of the platform'
    description: 'Calls, steps or executions fail and it is nobody else\'s fault. Begin with the code.'
    query: loadTextContent('../queries/platform-failures.kql')
    column: 'failures'
    splitBy: 'code'
    operator: 'GreaterThanOrEqual'
    threshold: 10
    severity: 1
    frequency: 'PT5M'
    window: 'PT15M'
  }
  {
    name: 'request-errors'
    title: 'Requests are answered with 5xx'
    description: 'More than one in twenty. Look at what was deployed last.'
    query: loadTextContent('../queries/request-errors.kql')
    column: 'percent'
    splitBy: ''
    operator: 'GreaterThan'
    threshold: 5
    severity: 1
    frequency: 'PT5M'
    window: 'PT15M'
  }
  {
    name: 'stuck-executions'
    title: 'Executions are stuck'
    description: 'See the runbook for a stuck execution.'
    query: loadTextContent('../queries/stuck-executions.kql')
    column: 'stuck'
    splitBy: ''
    operator: 'GreaterThan'
    threshold: 0
    severity: 2
    frequency: 'PT15M'
    window: 'PT30M'
  }
  {
    name: 'failure-rate'
    title: 'Executions fail'
    description: 'More than one in five of those that end. Their codes say whose fault it is.'
    query: loadTextContent('../queries/failure-rate.kql')
    column: 'percent'
    splitBy: ''
    operator: 'GreaterThan'
    threshold: 20
    severity: 2
    frequency: 'PT15M'
    window: 'PT1H'
  }
  {
    name: 'throttling'
    title: 'Another service asks for pauses'
    description: 'Work is late, but not lost. See the runbook for throttling.'
    query: loadTextContent('../queries/throttling.kql')
    column: 'answers'
    splitBy: 'service'
    operator: 'GreaterThan'
    threshold: 100
    severity: 3
    frequency: 'PT15M'
    window: 'PT15M'
  }
  {
    name: 'spending'
    title: 'Model calls cost more than expected'
    description: 'See the runbook for a cost surprise.'
    query: loadTextContent('../queries/spending.kql')
    column: 'dollars'
    splitBy: ''
    operator: 'GreaterThan'
    threshold: hourlySpending
    severity: 2
    frequency: 'PT15M'
    window: 'PT1H'
  }
  {
    name: 'budget-burn'
    title: 'A budget is almost used up'
    description: 'When it is, its executions fail or pause, as it says. See the runbook for a cost surprise.'
    query: loadTextContent('../queries/budget-burn.kql')
    column: 'percent'
    splitBy: 'budget'
    operator: 'GreaterThanOrEqual'
    threshold: budgetPercent
    severity: 3
    frequency: 'PT15M'
    window: 'PT15M'
  }
  {
    name: 'approvals-overdue'
    title: 'Approvals are overdue'
    description: 'A deadline has passed and the question is still open: what settles it by itself did not run.'
    query: loadTextContent('../queries/approvals-overdue.kql')
    column: 'overdue'
    splitBy: ''
    operator: 'GreaterThan'
    threshold: 0
    severity: 3
    frequency: 'PT15M'
    window: 'PT30M'
  }
]

resource queried 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [for rule in rules: {
  name: '${namePrefix}-${rule.name}'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: rule.title
    description: rule.description
    severity: rule.severity
    enabled: true
    evaluationFrequency: rule.frequency
    windowSize: rule.window
    scopes: [
      insightsId
    ]
    // A metric is a column of its table only once it was sent for the first time.
    skipQueryValidation: true
    autoMitigate: true
    criteria: {
      allOf: [
        {
          query: rule.query
          timeAggregation: 'Maximum'
          metricMeasureColumn: rule.column
          operator: rule.operator
          threshold: rule.threshold
          dimensions: empty(rule.splitBy) ? [] : [
            {
              name: rule.splitBy
              operator: 'Include'
              values: [
                '*'
              ]
            }
          ]
          failingPeriods: {
            numberOfEvaluationPeriods: 1
            minFailingPeriodsToAlert: 1
          }
        }
      ]
    }
    actions: {
      actionGroups: actionGroupIds
    }
  }
}]

resource refusedByCosmos 'Microsoft.Insights/metricAlerts@2018-03-01' = {
  name: '${namePrefix}-cosmos-429'
  location: 'global'
  tags: tags
  properties: {
    description: 'Cosmos DB refuses requests (429). See the runbook for throttling.'
    severity: 2
    enabled: true
    scopes: [
      cosmosAccountId
    ]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    autoMitigate: true
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          criterionType: 'StaticThresholdCriterion'
          name: 'refused'
          metricNamespace: 'Microsoft.DocumentDB/databaseAccounts'
          metricName: 'TotalRequests'
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: 100
          dimensions: [
            {
              name: 'StatusCode'
              operator: 'Include'
              values: [
                '429'
              ]
            }
          ]
        }
      ]
    }
    actions: toldGroups
  }
}

resource busyCosmos 'Microsoft.Insights/metricAlerts@2018-03-01' = {
  name: '${namePrefix}-cosmos-busy'
  location: 'global'
  tags: tags
  properties: {
    description: 'A partition of Cosmos DB uses up almost all of its request units. See the runbook for throttling.'
    severity: 3
    enabled: true
    scopes: [
      cosmosAccountId
    ]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    autoMitigate: true
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          criterionType: 'StaticThresholdCriterion'
          name: 'busy'
          metricNamespace: 'Microsoft.DocumentDB/databaseAccounts'
          metricName: 'NormalizedRUConsumption'
          // Averaged over the window, so that a peak of a minute is no alert, and of each partition by itself.
          timeAggregation: 'Average'
          operator: 'GreaterThan'
          threshold: 90
          dimensions: [
            {
              name: 'PartitionKeyRangeId'
              operator: 'Include'
              values: [
                '*'
              ]
            }
          ]
        }
      ]
    }
    actions: toldGroups
  }
}

resource waitingWork 'Microsoft.Insights/metricAlerts@2018-03-01' = [for (id, i) in schedulerIds: {
  name: '${namePrefix}-work-waits-${i}'
  location: 'global'
  tags: tags
  properties: {
    description: 'Activities or orchestrators wait for an instance that takes them. See the runbook for throttling.'
    severity: 2
    enabled: true
    scopes: [
      id
    ]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    autoMitigate: true
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          criterionType: 'StaticThresholdCriterion'
          name: 'activities'
          metricNamespace: 'Microsoft.DurableTask/schedulers'
          metricName: 'ActivityPendingItems'
          timeAggregation: 'Minimum'
          operator: 'GreaterThan'
          threshold: 100
        }
      ]
    }
    actions: toldGroups
  }
}]

// A budget belongs to the subscription, so that one covers the resource groups of all regions.
targetScope = 'subscription'

metadata description = 'A monthly budget over the resource groups of one environment, told of by mail. It stops nothing: it warns.'

@description('Name of the budget.')
param name string

@description('Resource groups that it covers.')
param resourceGroups array

@minValue(1)
@description('Amount a month, in the currency of the subscription.')
param amount int

@description('Mail addresses that are told.')
param emails array

@description('First day of the budget. Left out: the first of this month, as Azure wants it.')
param start string = utcNow('yyyy-MM-01')

resource budget 'Microsoft.Consumption/budgets@2023-11-01' = {
  name: name
  properties: {
    category: 'Cost'
    amount: amount
    timeGrain: 'Monthly'
    timePeriod: {
      startDate: start
    }
    filter: {
      dimensions: {
        name: 'ResourceGroupName'
        operator: 'In'
        values: resourceGroups
      }
    }
    notifications: {
      most: {
        enabled: true
        operator: 'GreaterThanOrEqualTo'
        threshold: 80
        thresholdType: 'Actual'
        contactEmails: emails
      }
      all: {
        enabled: true
        operator: 'GreaterThanOrEqualTo'
        threshold: 100
        thresholdType: 'Actual'
        contactEmails: emails
      }
      foreseen: {
        enabled: true
        operator: 'GreaterThanOrEqualTo'
        threshold: 100
        thresholdType: 'Forecasted'
        contactEmails: emails
      }
    }
  }
}

import { type Duration, RemovalPolicy } from 'aws-cdk-lib';
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { AttributeType, BillingMode, type ITable, ProjectionType, Table } from 'aws-cdk-lib/aws-dynamodb';
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';

const DUE_INDEX = 'due';
const COMPANY_INDEX = 'company';
const ROLL_INDEX = 'roll';

export interface ContactTableProps {
  /**
   * A table that is there already, such as one restored from a backup, with the keys and indexes of the one made here. The one made
   * before stays in the account, with its name and its rows: it is only no longer of the stack.
   *
   * @default '' makes one
   */
  readonly existingTableName?: string;
}

/**
 * Facts and scores, one partition per contact: `pk` = portal and contact, `sk` = what the row is.
 * The index `due` finds the contacts whose score changes in a given night, the index `company` those of a company, by their score, and
 * the index `roll` all contacts, in the order of their ids.
 */
export class ContactTable extends Construct {
  readonly tableName: string;
  /** Names of the indexes that are written to when scores change; a contact's entry in `roll` stays as it is all its life. */
  readonly movingIndexes: readonly string[] = [DUE_INDEX, COMPANY_INDEX];
  private readonly table: ITable;

  constructor(scope: Construct, id: string, { existingTableName = '' }: ContactTableProps = {}) {
    super(scope, id);
    this.table =
      existingTableName === '' ? makeTable(this) : Table.fromTableName(this, 'Existing', existingTableName);
    this.tableName = this.table.tableName;
  }

  /** Lets `grantee` read and write rows by key, and read partitions; not through an index. */
  grantRows(grantee: IGrantable): Grant {
    return this.grantOnRows(
      grantee,
      'dynamodb:BatchGetItem',
      'dynamodb:DeleteItem',
      'dynamodb:GetItem',
      'dynamodb:PutItem',
      'dynamodb:Query',
      'dynamodb:UpdateItem',
    );
  }

  /** Lets `grantee` read partitions, one at a time, and change nothing. */
  grantReading(grantee: IGrantable): Grant {
    return this.grantOnRows(grantee, 'dynamodb:Query');
  }

  /** Lets `grantee` look through all rows, page by page. */
  grantScanning(grantee: IGrantable): Grant {
    return this.grantOnRows(grantee, 'dynamodb:Scan');
  }

  /** Lets `grantee` ask which contacts fall due. */
  grantDue(grantee: IGrantable): void {
    this.grantQuery(grantee, DUE_INDEX);
  }

  /** Lets `grantee` ask for all contacts there are, page by page. */
  grantRoll(grantee: IGrantable): void {
    this.grantQuery(grantee, ROLL_INDEX);
  }

  /** Lets `grantee` ask for the contacts of a company. */
  grantCompanies(grantee: IGrantable): void {
    this.grantQuery(grantee, COMPANY_INDEX);
  }

  /**
   * Units consumed in a period, of the table alone or of one of its indexes.
   *
   * @param index - one of `movingIndexes`
   */
  metricConsumed(
    metricName: 'ConsumedReadCapacityUnits' | 'ConsumedWriteCapacityUnits',
    period: Duration,
    index?: string,
  ): Metric {
    return new Metric({
      namespace: 'AWS/DynamoDB',
      metricName,
      dimensionsMap: {
        TableName: this.tableName,
        ...(index !== undefined && { GlobalSecondaryIndexName: index }),
      },
      statistic: 'Sum',
      period,
    });
  }

  private grantQuery(grantee: IGrantable, index: string): void {
    Grant.addToPrincipal({
      grantee,
      actions: ['dynamodb:Query'],
      resourceArns: [`${this.table.tableArn}/index/${index}`],
    });
  }

  /** Unlike `grant`, leaves the indexes out. */
  private grantOnRows(grantee: IGrantable, ...actions: string[]): Grant {
    return Grant.addToPrincipal({ grantee, actions, resourceArns: [this.table.tableArn] });
  }
}

function makeTable(scope: Construct): Table {
  // By this id the table is called in CloudFormation what it was when the construct itself was the table.
  const table = new Table(scope, 'Default', {
    partitionKey: { name: 'pk', type: AttributeType.STRING },
    sortKey: { name: 'sk', type: AttributeType.STRING },
    timeToLiveAttribute: 'expiresAt',
    billingMode: BillingMode.PAY_PER_REQUEST,
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    deletionProtection: true,
    removalPolicy: RemovalPolicy.RETAIN,
  });
  table.addGlobalSecondaryIndex({
    indexName: DUE_INDEX,
    partitionKey: { name: 'due', type: AttributeType.STRING },
    sortKey: { name: 'pk', type: AttributeType.STRING },
    projectionType: ProjectionType.KEYS_ONLY,
  });
  table.addGlobalSecondaryIndex({
    indexName: COMPANY_INDEX,
    partitionKey: { name: 'company', type: AttributeType.STRING },
    sortKey: { name: 'rank', type: AttributeType.NUMBER },
    projectionType: ProjectionType.KEYS_ONLY,
  });
  table.addGlobalSecondaryIndex({
    indexName: ROLL_INDEX,
    partitionKey: { name: 'roll', type: AttributeType.STRING },
    sortKey: { name: 'id', type: AttributeType.NUMBER },
    projectionType: ProjectionType.KEYS_ONLY,
  });
  return table;
}

import { RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, BillingMode, ProjectionType, Table } from 'aws-cdk-lib/aws-dynamodb';
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';

const DUE_INDEX = 'due';
const COMPANY_INDEX = 'company';

/**
 * Facts and scores, one partition per contact: `pk` = portal and contact, `sk` = what the row is.
 * The index `due` finds the contacts whose score changes in a given night, the index `company` those of a company, by their score.
 */
export class ContactTable extends Table {
  constructor(scope: Construct, id: string) {
    super(scope, id, {
      partitionKey: { name: 'pk', type: AttributeType.STRING },
      sortKey: { name: 'sk', type: AttributeType.STRING },
      timeToLiveAttribute: 'expiresAt',
      billingMode: BillingMode.PAY_PER_REQUEST,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: true,
      removalPolicy: RemovalPolicy.RETAIN,
    });
    this.addGlobalSecondaryIndex({
      indexName: DUE_INDEX,
      partitionKey: { name: 'due', type: AttributeType.STRING },
      sortKey: { name: 'pk', type: AttributeType.STRING },
      projectionType: ProjectionType.KEYS_ONLY,
    });
    this.addGlobalSecondaryIndex({
      indexName: COMPANY_INDEX,
      partitionKey: { name: 'company', type: AttributeType.STRING },
      sortKey: { name: 'rank', type: AttributeType.NUMBER },
      projectionType: ProjectionType.KEYS_ONLY,
    });
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

  /** Lets `grantee` read rows by key and partitions, and change nothing. */
  grantReading(grantee: IGrantable): Grant {
    return this.grantOnRows(grantee, 'dynamodb:BatchGetItem', 'dynamodb:GetItem', 'dynamodb:Query');
  }

  /** Lets `grantee` look through all rows, page by page. */
  grantScanning(grantee: IGrantable): Grant {
    return this.grantOnRows(grantee, 'dynamodb:Scan');
  }

  /** Lets `grantee` ask which contacts fall due, and keep a cursor of how far it got. */
  grantDue(grantee: IGrantable): void {
    this.grantQuery(grantee, DUE_INDEX);
    this.grantOnRows(grantee, 'dynamodb:GetItem', 'dynamodb:PutItem');
  }

  /** Lets `grantee` ask for the contacts of a company. */
  grantCompanies(grantee: IGrantable): void {
    this.grantQuery(grantee, COMPANY_INDEX);
  }

  private grantQuery(grantee: IGrantable, index: string): void {
    Grant.addToPrincipal({
      grantee,
      actions: ['dynamodb:Query'],
      resourceArns: [`${this.tableArn}/index/${index}`],
    });
  }

  /** Unlike `grant`, leaves the indexes out. */
  private grantOnRows(grantee: IGrantable, ...actions: string[]): Grant {
    return Grant.addToPrincipal({ grantee, actions, resourceArns: [this.tableArn] });
  }
}

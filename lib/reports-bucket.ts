import { Duration, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import { Grant } from 'aws-cdk-lib/aws-iam';
import { BlockPublicAccess, Bucket, BucketEncryption, CfnBucket, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import * as v from 'valibot';
import type { CompiledModel, NodeFunction } from './node-function.ts';

/** Where the months lie in it; lambdas/nightly/monthly-report.ts puts them there. */
const FOLDER = 'reports';
/** Of each month also the same month of the year before: what is older can be made again by `afterglow attribution report`. */
const KEPT = Duration.days(400);

/** Whether the nights report where deals came from: whether the model has a section `attribution`. */
export function hasReports(model: CompiledModel): boolean {
  return 'attribution' in model && model.attribution !== undefined;
}

/**
 * Where the nights put the report of each month: private, encrypted, and read by nobody but whom the account lets. It outlives the stack,
 * as the table does.
 */
export class ReportsBucket extends Construct {
  readonly bucketName: string;
  private readonly bucket: Bucket;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.bucket = new Bucket(this, 'Bucket', {
      encryption: BucketEncryption.S3_MANAGED,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      enforceSSL: true,
      lifecycleRules: [{ expiration: KEPT }],
      removalPolicy: RemovalPolicy.RETAIN,
    });
    Validations.of(this.bucket).acknowledge({
      id: 'AwsSolutions-S1',
      reason:
        'A log of who read two small files a month would be a second bucket with longer-lived data than these. Nobody from outside the account can read them, and who wants to know who did within turns on data events of CloudTrail. Evidence: test/lib/reports-bucket.test.ts, docs/deploy.md',
    });
    this.bucketName = this.bucket.bucketName;
  }

  /** Lets a function put reports, and neither read nor list nor delete them. */
  grantPutting(grantee: NodeFunction): void {
    Grant.addToPrincipal({
      grantee,
      actions: ['s3:PutObject'],
      resourceArns: [this.bucket.arnForObjects(`${FOLDER}/*`)],
    });
    const bucket = v.parse(v.instance(CfnBucket), this.bucket.node.defaultChild);
    Validations.of(v.parse(v.instance(Construct), grantee.role)).acknowledge({
      id: `AwsSolutions-IAM5[Resource::<${Stack.of(this).getLogicalId(bucket)}.Arn>/${FOLDER}/*]`,
      reason:
        'The key of a report is its month, so there is a new one each: the pattern holds for one folder of one bucket, which has nothing else in it. Evidence: test/lib/reports-bucket.test.ts, docs/permissions.md',
    });
  }
}

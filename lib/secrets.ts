import { RemovalPolicy, SecretValue, Validations } from 'aws-cdk-lib';
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import { CfnSecret, type ISecret, Secret, type SecretProps } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import * as v from 'valibot';

/** An empty object: the doors tell a secret that nobody filled in from a wrong one. */
const UNFILLED = '{}';

/** What cdk-nag finds at a secret that no schedule changes. */
const NO_ROTATION = 'AwsSolutions-SMG4';

/** The three secrets. Functions get their ARNs and read the values when they run. */
export class Secrets extends Construct {
  /** What proves that a request is HubSpot's or the company's own: `{ clientSecret, signalsSecret?, previous… }`. */
  readonly webhook: ISecret;
  /** What HubSpot knows us by: `{ accessToken }`. */
  readonly hubSpotToken: ISecret;
  /** The HMAC key under which e-mail addresses become rows: `{ key }`. Without it these rows are lost, hence kept. */
  readonly identityKey: ISecret;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.webhook = this.byArn('WebhookSecret', {
      description: 'Afterglow: fill in {"clientSecret": "…", "signalsSecret": "…"}',
      secretStringValue: SecretValue.unsafePlainText(UNFILLED),
      whyNotRotated:
        'HubSpot has no API that changes the secret of an app, so a schedule could not. A person rotates it without losing an event, since the old one is taken beside the new one. Evidence: test/events/authenticity.test.ts, docs/deploy.md',
    });
    this.hubSpotToken = this.byArn('HubSpotToken', {
      description: 'Afterglow: fill in {"accessToken": "…"}',
      secretStringValue: SecretValue.unsafePlainText(UNFILLED),
      whyNotRotated:
        'HubSpot has no API that changes the token of an app, so a schedule could not. A person rotates it; while a wrong one stands, nothing is lost and an alarm says so. Evidence: docs/deploy.md, docs/runbook.md',
    });
    this.identityKey = this.byArn('IdentityKey', {
      description: 'Afterglow: generated, never to be changed',
      generateSecretString: {
        secretStringTemplate: '{}',
        generateStringKey: 'key',
        passwordLength: 64,
        excludePunctuation: true,
      },
      removalPolicy: RemovalPolicy.RETAIN,
      whyNotRotated:
        'Rows are found by the HMAC of an address under this key: another key would lose them all. Only the three functions that keep facts may read it. Evidence: test/lib/stack.test.ts, docs/architecture.md',
    });
  }

  /**
   * A secret that is named by its attribute `Id`, documented as its ARN, instead of by `Ref`: on AWS both are the same, but emulators of
   * CloudFormation answer `Ref` with the secret's name, which no policy that means the ARN allows to be read.
   */
  private byArn(id: string, { whyNotRotated, ...props }: SecretProps & { whyNotRotated: string }): ISecret {
    const secret = new Secret(this, id, props);
    Validations.of(secret).acknowledge({ id: NO_ROTATION, reason: whyNotRotated });
    const { attrId } = v.parse(v.instance(CfnSecret), secret.node.defaultChild);
    return Secret.fromSecretCompleteArn(this, `${id}ByArn`, attrId);
  }
}

/** Lets `grantee` read the value, and not list versions or look at the description as `grantRead` would. */
export function grantValue(secret: ISecret, grantee: IGrantable): void {
  Grant.addToPrincipal({
    grantee,
    actions: ['secretsmanager:GetSecretValue'],
    resourceArns: [secret.secretArn],
  });
}

import { RemovalPolicy, SecretValue } from 'aws-cdk-lib';
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';

/** An empty object: the doors tell a secret that nobody filled in from a wrong one. */
const UNFILLED = '{}';

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
    this.webhook = new Secret(this, 'WebhookSecret', {
      description: 'Afterglow: fill in {"clientSecret": "…", "signalsSecret": "…"}',
      secretStringValue: SecretValue.unsafePlainText(UNFILLED),
    });
    this.hubSpotToken = new Secret(this, 'HubSpotToken', {
      description: 'Afterglow: fill in {"accessToken": "…"}',
      secretStringValue: SecretValue.unsafePlainText(UNFILLED),
    });
    this.identityKey = new Secret(this, 'IdentityKey', {
      description: 'Afterglow: generated, never to be changed',
      generateSecretString: {
        secretStringTemplate: '{}',
        generateStringKey: 'key',
        passwordLength: 64,
        excludePunctuation: true,
      },
      removalPolicy: RemovalPolicy.RETAIN,
    });
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

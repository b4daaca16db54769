import { Duration } from 'aws-cdk-lib';
import { HttpMethod, HttpRoute, HttpRouteKey, type IHttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpIamAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { Construct } from 'constructs';
import type { ExplainEnv } from '../lambdas/env.ts';
import type { ContactTable } from './contact-table.ts';
import { type CompiledModel, NodeFunction } from './node-function.ts';
import type { Settings } from './settings.ts';

const SCORE_ROUTE = '/contacts/{id}/score';

export interface ExplainProps {
  readonly settings: Settings;
  /** The compiled scoring model, by which the score is folded again. */
  readonly model: CompiledModel;
  /** Facts and scores, one partition per contact. */
  readonly contacts: ContactTable;
  /** The API that gets the route; only requests signed by a principal that IAM allows to call it come through. */
  readonly api: IHttpApi;
}

/** Tells why a contact has its score. Reads the table and can do nothing else. */
export class Explain extends Construct {
  readonly function: NodeFunction;
  /**
   * Where a contact's score is explained, `{id}` being its record id: always the address of the gateway itself, since the
   * signature of AWS covers the host that is called.
   */
  readonly scoreUrl: string;

  constructor(scope: Construct, id: string, props: ExplainProps) {
    super(scope, id);
    const environment = {
      PORTAL_ID: props.settings.portalId,
      CONTACT_TABLE_NAME: props.contacts.tableName,
      TIME_ZONE: props.settings.timeZone,
    } satisfies ExplainEnv;

    this.function = new NodeFunction(this, 'Function', {
      door: 'explain',
      description: 'Afterglow: tells why a contact has its score',
      timeout: Duration.seconds(15),
      memoryMb: 512,
      model: props.model,
      environment,
    });
    props.contacts.grantReading(this.function);

    new HttpRoute(this, 'Route', {
      httpApi: props.api,
      routeKey: HttpRouteKey.with(SCORE_ROUTE, HttpMethod.GET),
      integration: new HttpLambdaIntegration('Integration', this.function),
      authorizer: new HttpIamAuthorizer(),
    });
    this.scoreUrl = `${props.api.apiEndpoint}${SCORE_ROUTE}`;
  }
}

import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { Alarms } from './alarms.ts';
import { ContactTable } from './contact-table.ts';
import { Dashboard } from './dashboard.ts';
import { Explain } from './explain.ts';
import { Ingest } from './ingest.ts';
import { Nightly } from './nightly.ts';
import type { CompiledModel } from './node-function.ts';
import { hasReports, ReportsBucket } from './reports-bucket.ts';
import { Scorer } from './scorer.ts';
import { Secrets } from './secrets.ts';
import type { Settings } from './settings.ts';
import { Usage } from './usage.ts';
import type { WorkQueue } from './work-queue.ts';
import { lanesByTitle, WriteBack } from './write-back.ts';

export interface AfterglowStackProps extends StackProps {
  readonly settings: Settings;
  /** The compiled scoring model, which travels beside the handlers that fold. */
  readonly model: CompiledModel;
}

/** What the outputs tell of. */
interface Told {
  readonly secrets: Secrets;
  readonly contacts: ContactTable;
  readonly ingest: Ingest;
  readonly nightly: Nightly;
  /** Undefined where nothing is reported. */
  readonly reports: ReportsBucket | undefined;
  readonly explain: Explain;
  readonly dashboard: Dashboard;
  readonly alarms: Alarms;
  /** By title. */
  readonly queues: Readonly<Record<string, WorkQueue>>;
}

/**
 * HubSpot -> ingest -> events -> scorer -> lanes -> write-back -> HubSpot; nightly and write-back send ticks to the scorer, nightly contacts
 * to a lane.
 */
export class AfterglowStack extends Stack {
  constructor(scope: Construct, id: string, props: AfterglowStackProps) {
    super(scope, id, { description: 'Afterglow: lead scoring and attribution for HubSpot', ...props });
    const { settings, model } = props;
    const secrets = new Secrets(this, 'Secrets');
    const contacts = new ContactTable(this, 'ContactTable', {
      existingTableName: settings.existingTableName,
    });

    // From the end of the path to its beginning: whoever sends needs the queue of whoever reads.
    const writeBack = new WriteBack(this, 'WriteBack', {
      settings,
      model,
      contacts,
      identityKey: secrets.identityKey,
      hubSpotToken: secrets.hubSpotToken,
    });
    const scorer = new Scorer(this, 'Scorer', {
      settings,
      model,
      contacts,
      identityKey: secrets.identityKey,
      lanes: writeBack.lanes,
    });
    writeBack.sendTicksTo(scorer.ticks);
    const reports = hasReports(model) ? new ReportsBucket(this, 'Reports') : undefined;
    const nightly = new Nightly(this, 'Nightly', {
      settings,
      model,
      contacts,
      identityKey: secrets.identityKey,
      hubSpotToken: secrets.hubSpotToken,
      ticks: scorer.ticks,
      background: writeBack.lanes.background,
      ...(reports !== undefined && { reports }),
    });
    const ingest = new Ingest(this, 'Ingest', {
      settings,
      model,
      events: scorer.events,
      webhookSecret: secrets.webhook,
    });

    const explain = new Explain(this, 'Explain', { settings, model, contacts, api: ingest.api });

    const queues = {
      Events: scorer.events,
      Ticks: scorer.ticks,
      ...lanesByTitle(writeBack.lanes),
      Nightly: nightly.work,
    };
    const doors = { ingest: ingest.function, scorer: scorer.function, writeBack: writeBack.function };
    const usage = new Usage({ contacts, api: ingest.api, ...doors });
    const watched = { queues, scheduleDeadLetters: nightly.scheduleDeadLetters, api: ingest.api, usage };
    const alarms = new Alarms(this, 'Alarms', { settings, ...watched });
    const dashboard = new Dashboard(this, 'Dashboard', {
      ...watched,
      ...doors,
      nightly: nightly.function,
      lanes: writeBack.lanes,
      alarms,
      hasVisits: hasReports(model),
    });

    this.tell(settings, { secrets, contacts, ingest, nightly, reports, explain, dashboard, alarms, queues });
  }

  /** What whoever deployed needs next. */
  private tell(settings: Settings, told: Told): void {
    const { secrets, contacts, nightly, dashboard, alarms, queues } = told;
    const urls = Object.entries(queues).map(([title, { queueUrl: url, deadLetters }]) => [
      title,
      { url, deadLettersUrl: deadLetters.queueUrl },
    ]);
    const outputs = {
      ...addresses(told),
      ContactTableName: { value: contacts.tableName, description: 'Facts and scores' },
      WebhookSecretArn: {
        value: secrets.webhook.secretArn,
        description: 'Fill in clientSecret and signalsSecret',
      },
      HubSpotTokenSecretArn: { value: secrets.hubSpotToken.secretArn, description: 'Fill in accessToken' },
      IdentityKeySecretArn: {
        value: secrets.identityKey.secretArn,
        description: 'By which addresses are found in the table; for afterglow import',
      },
      FactRetentionDays: {
        value: String(settings.factRetentionDays),
        description: 'How long facts are kept; for afterglow import',
      },
      PortalId: { value: settings.portalId, description: 'The HubSpot portal this stack serves' },
      TimeZone: { value: settings.timeZone, description: 'Whose nights fade scores' },
      NightlyHour: { value: String(nightly.hour), description: 'When they do, in the TimeZone' },
      HubSpotBudget: {
        value: JSON.stringify({
          limit: settings.hubspotLimitPer10Seconds,
          reserve: settings.hubspotReservePer10Seconds,
          dailyLimit: settings.hubspotDailyLimit,
          dailyReservePercent: settings.hubspotDailyReservePercent,
        }),
        description: 'What the commands share with write-back and nightly',
      },
      HubSpotApiUrl: { value: settings.hubspotApiUrl, description: 'Where HubSpot is called' },
      Queues: {
        value: this.toJsonString(Object.fromEntries(urls)),
        description: 'Each with its dead letters, for afterglow dead-letters',
      },
      DashboardUrl: { value: dashboard.url, description: 'Healthy? How fresh? Is HubSpot keeping up?' },
      AlarmTopicArn: { value: alarms.topic.topicArn, description: 'Subscribe to it whoever is to be told' },
    };
    for (const [name, output] of Object.entries(outputs)) new CfnOutput(this, name, output);
  }
}

/** Where the doors that the outside calls are, and what is put where people look for it. */
function addresses({ ingest, explain, reports }: Told) {
  return {
    HubSpotWebhookUrl: {
      value: ingest.hubSpotWebhookUrl,
      description: 'Paste as target URL of the HubSpot app',
    },
    WorkflowWebhookUrl: {
      value: ingest.workflowWebhookUrl,
      description: 'Paste into "Send a webhook" in a workflow',
    },
    SignalsUrl: { value: ingest.signalsUrl, description: "Where the company's own systems post signals" },
    ...(ingest.sessionsUrl !== undefined && {
      SessionsUrl: {
        value: ingest.sessionsUrl,
        description: 'Where pages tell of visits: afterglow snippet prints the tag',
      },
    }),
    ExplainUrl: {
      value: explain.scoreUrl,
      description: 'Why a contact has its score: GET, signed by IAM (service execute-api)',
    },
    ...(reports !== undefined && {
      ReportsBucketName: {
        value: reports.bucketName,
        description: 'Where the report of each month lies, such as reports/2026-10.html',
      },
    }),
  };
}

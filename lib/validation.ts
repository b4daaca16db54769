import {
  CloudFormationValidatePlugin,
  type IPolicyValidationContext,
  type PolicyValidationPluginReport,
  Validations,
} from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import type { IConstruct } from 'constructs';

/** What CloudFormation's own rules doubt about a template is an error here: nobody reads warnings. */
class StrictCloudFormationValidation extends CloudFormationValidatePlugin {
  override validate(context: IPolicyValidationContext): PolicyValidationPluginReport {
    const report = super.validate(context);
    const violations = report.violations.map((violation) =>
      violation.severity === 'warning' ? { ...violation, severity: 'error' } : violation,
    );
    return { ...report, violations, success: violations.every(({ severity }) => severity !== 'error') };
  }
}

/** One for all apps of a process: to set it up takes most of a second. */
const CLOUDFORMATION = new StrictCloudFormationValidation();

/**
 * Lets `cdk synth` fail on every finding of CloudFormation's rules and of cdk-nag's AwsSolutions that no construct has acknowledged with
 * a reason. It looks at the finished template and adds nothing to it.
 */
export function validate(app: IConstruct): void {
  Validations.of(app).addPlugins(CLOUDFORMATION, new AwsSolutionsChecks(app));
}

// Package judges finds out whether an API server has pods that are custom resources judged before it stores them: by the webhooks of the
// manager, which know the Pod Security Standards and what may change in a pod.
//
// It believes what the API server's configuration says, which nobody can write who may only write pods: that both webhooks are asked
// about every pod that is made or changed, in whatever namespace and with whatever labels, and that nothing is stored when they do not
// answer. It does not ask the webhooks anything.
package judges

import (
	"slices"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The webhooks that have to stand before pods: one knows the standards, and the other keeps pods from being changed into others.
const (
	PodSecurity = "pod-security.orrery.dev"
	Validate    = "validate.orrery.dev"
)

// MoreThanAnEnd is the only condition that the webhooks may have: they need not be asked about what is being deleted and keeps its spec.
const MoreThanAnEnd = "request.operation != 'UPDATE' || !has(object.metadata.deletionTimestamp) || !has(object.spec) || !has(oldObject.spec) || object.spec != oldObject.spec"

// Since is from when on pods have been judged, for all that the configurations of an API server say; false if they are not.
func Since(configurations []admissionregistrationv1.ValidatingWebhookConfiguration) (time.Time, bool) {
	var since time.Time
	for _, name := range []string{PodSecurity, Validate} {
		stands, ok := standsSince(configurations, name)
		if !ok {
			return time.Time{}, false
		}
		if stands.After(since) {
			since = stands
		}
	}
	return since, true
}

// standsSince is since when a webhook has stood before every pod.
func standsSince(configurations []admissionregistrationv1.ValidatingWebhookConfiguration, name string) (since time.Time, found bool) {
	for i := range configurations {
		for j := range configurations[i].Webhooks {
			webhook := &configurations[i].Webhooks[j]
			made := configurations[i].CreationTimestamp.Time
			if webhook.Name == name && cannotBePassedBy(webhook) && (!found || made.Before(since)) {
				since, found = made, true
			}
		}
	}
	return since, found
}

// cannotBePassedBy says whether a webhook is asked about every pod that is made or changed.
func cannotBePassedBy(webhook *admissionregistrationv1.ValidatingWebhook) bool {
	fails := webhook.FailurePolicy == nil || *webhook.FailurePolicy == admissionregistrationv1.Fail
	return fails && selectsAll(webhook.NamespaceSelector) && selectsAll(webhook.ObjectSelector) &&
		!slices.ContainsFunc(webhook.MatchConditions, func(c admissionregistrationv1.MatchCondition) bool { return c.Expression != MoreThanAnEnd }) &&
		isAsked(webhook.Rules, admissionregistrationv1.Create) && isAsked(webhook.Rules, admissionregistrationv1.Update)
}

func selectsAll(selector *metav1.LabelSelector) bool {
	return selector == nil || len(selector.MatchLabels) == 0 && len(selector.MatchExpressions) == 0
}

// isAsked says whether one of the rules is for an operation on pods of every version.
func isAsked(rules []admissionregistrationv1.RuleWithOperations, operation admissionregistrationv1.OperationType) bool {
	return slices.ContainsFunc(rules, func(rule admissionregistrationv1.RuleWithOperations) bool {
		return (slices.Contains(rule.Operations, operation) || slices.Contains(rule.Operations, admissionregistrationv1.OperationAll)) &&
			(slices.Contains(rule.APIGroups, "core.orrery.dev") || slices.Contains(rule.APIGroups, "*")) &&
			slices.Contains(rule.APIVersions, "*") &&
			(slices.Contains(rule.Resources, "pods") || slices.Contains(rule.Resources, "*") || slices.Contains(rule.Resources, "*/*")) &&
			(rule.Scope == nil || *rule.Scope != admissionregistrationv1.ClusterScope)
	})
}

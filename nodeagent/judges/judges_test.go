package judges

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/clock"
	testingclock "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/go-logr/logr"
	"github.com/orrery-dev/orrery/internal/await"
)

var installed = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// configuration is as config/webhook has it.
func configuration() *admissionregistrationv1.ValidatingWebhookConfiguration {
	fail := admissionregistrationv1.Fail
	rule := func(groups, resources []string) []admissionregistrationv1.RuleWithOperations {
		return []admissionregistrationv1.RuleWithOperations{{
			Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create, admissionregistrationv1.Update},
			Rule:       admissionregistrationv1.Rule{APIGroups: groups, APIVersions: []string{"*"}, Resources: resources},
		}}
	}
	conditions := []admissionregistrationv1.MatchCondition{{Name: "more-than-an-end", Expression: MoreThanAnEnd}}
	return &admissionregistrationv1.ValidatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: "orrery", CreationTimestamp: metav1.NewTime(installed)},
		Webhooks: []admissionregistrationv1.ValidatingWebhook{
			{Name: PodSecurity, FailurePolicy: &fail, MatchConditions: conditions, Rules: rule([]string{"apps.orrery.dev", "core.orrery.dev"}, []string{"deployments", "pods"})},
			{Name: Validate, FailurePolicy: &fail, MatchConditions: conditions, Rules: rule([]string{"core.orrery.dev"}, []string{"*"})},
		},
	}
}

func TestWebhooksAreBelievedThatNoPodGetsPast(t *testing.T) {
	type hook = admissionregistrationv1.ValidatingWebhook
	for name, c := range map[string]struct {
		change func(first, second *hook)
		want   bool
	}{
		"as they are installed":                   {func(_, _ *hook) {}, true},
		"whose failure policy is the default one": {func(h, _ *hook) { h.FailurePolicy = nil }, true},
		"with selectors that select everything": {func(h, _ *hook) {
			h.NamespaceSelector, h.ObjectSelector = &metav1.LabelSelector{}, &metav1.LabelSelector{}
		}, true},
		"of which one lets through what fails": {func(_, h *hook) { h.FailurePolicy = new(admissionregistrationv1.Ignore) }, false},
		"of which one leaves out some namespaces": {func(h, _ *hook) {
			h.NamespaceSelector = &metav1.LabelSelector{MatchLabels: map[string]string{"a": "b"}}
		}, false},
		"of which one leaves out some objects":       {func(h, _ *hook) { h.ObjectSelector = &metav1.LabelSelector{MatchLabels: map[string]string{"a": "b"}} }, false},
		"with a condition of somebody's":             {func(h, _ *hook) { h.MatchConditions[0].Expression = "false" }, false},
		"without any condition":                      {func(h, _ *hook) { h.MatchConditions = nil }, true},
		"of which one is not asked about changes":    {func(_, h *hook) { h.Rules[0].Operations = h.Rules[0].Operations[:1] }, false},
		"that are asked about every operation":       {func(h, _ *hook) { h.Rules[0].Operations = []admissionregistrationv1.OperationType{"*"} }, true},
		"of which one is not asked about pods":       {func(h, _ *hook) { h.Rules[0].Resources = []string{"deployments"} }, false},
		"of which one is asked about statuses alone": {func(_, h *hook) { h.Rules[0].Resources = []string{"*/status"} }, false},
		"of which one is for one version":            {func(h, _ *hook) { h.Rules[0].APIVersions = []string{"v1"} }, false},
		"of which one is for what is in no namespace": {func(h, _ *hook) {
			h.Rules[0].Scope = new(admissionregistrationv1.ClusterScope)
		}, false},
		"of which one is missing":       {func(_, h *hook) { h.Name = "other" }, false},
		"without that for the standard": {func(h, _ *hook) { h.Name = "other" }, false},
	} {
		t.Run(name, func(t *testing.T) {
			all := configuration()
			all.Webhooks[0].MatchConditions = append([]admissionregistrationv1.MatchCondition(nil), all.Webhooks[0].MatchConditions...)
			c.change(&all.Webhooks[0], &all.Webhooks[1])
			since, got := Since([]admissionregistrationv1.ValidatingWebhookConfiguration{*all})
			if got != c.want || got && !since.Equal(installed) {
				t.Errorf("got %t since %s, want %t", got, since, c.want)
			}
		})
	}
}

func TestPodsAreJudgedFromWhenTheLastOfTheWebhooksStands(t *testing.T) {
	first, second := configuration(), configuration()
	first.Webhooks, second.Webhooks = first.Webhooks[:1], second.Webhooks[1:]
	second.CreationTimestamp = metav1.NewTime(installed.Add(time.Hour))
	since, ok := Since([]admissionregistrationv1.ValidatingWebhookConfiguration{*first, *second})
	if !ok || !since.Equal(installed.Add(time.Hour)) {
		t.Errorf("got %t since %s", ok, since)
	}
}

func TestAPodThatWasThereBeforeIsNotJudged(t *testing.T) {
	w := &Watch{Log: logr.Discard()}
	pod := func(made time.Time) *corev1.Pod {
		return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{CreationTimestamp: metav1.NewTime(made)}}
	}
	if w.Judged(pod(installed.Add(time.Hour))) {
		t.Error("before anybody has looked a pod counts as judged")
	}
	w.see([]admissionregistrationv1.ValidatingWebhookConfiguration{*configuration()})
	for made, want := range map[time.Duration]bool{-time.Hour: false, 0: false, time.Second: true} {
		if got := w.Judged(pod(installed.Add(made))); got != want {
			t.Errorf("a pod that was made %s after: judged %t, want %t", made, got, want)
		}
	}
	w.see(nil)
	if w.Judged(pod(installed.Add(time.Hour))) {
		t.Error("a pod counts as judged although the webhooks are gone")
	}
}

func TestAnAPIServerIsAskedUntilItAnswers(t *testing.T) {
	forbidden := apierrors.NewForbidden(schema.GroupResource{}, "", nil)
	missing := apierrors.NewNotFound(schema.GroupResource{}, "")
	for name, c := range map[string]struct {
		knows   bool
		answers []error
		want    bool
	}{
		"at once":                              {false, []error{nil}, true},
		"after it was away":                    {false, []error{errors.New("connection refused"), nil}, true},
		"after it knew nobody's rights":        {false, []error{forbidden, forbidden, nil}, true},
		"that the right to is missing":         {false, []error{forbidden, forbidden, forbidden, forbidden, forbidden}, false},
		"that it has no such kind at all":      {false, []error{missing, missing, missing, missing, missing}, false},
		"that the right to is missing for now": {true, []error{forbidden, forbidden, forbidden, forbidden, forbidden}, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				left := c.answers
				reach := fake.NewClientBuilder().WithScheme(scheme(t)).WithObjects(configuration()).WithInterceptorFuncs(interceptor.Funcs{
					List: func(ctx context.Context, to client.WithWatch, list client.ObjectList, options ...client.ListOption) error {
						answer := left[0]
						if left = left[1:]; answer != nil {
							return answer
						}
						return to.List(ctx, list, options...)
					},
				}).Build()
				w := &Watch{Client: reach, Clock: clock.RealClock{}, Log: logr.Discard()}
				if c.knows {
					w.since.Store(&installed)
				}
				w.Look(t.Context())
				if got := w.since.Load() != nil; got != c.want || len(left) > 0 {
					t.Errorf("pods count as judged: %t, want %t; %d answers are left", got, c.want, len(left))
				}
			})
		})
	}
}

func TestAChangeOfTheConfigurationIsSeen(t *testing.T) {
	reach := fake.NewClientBuilder().WithScheme(scheme(t)).Build()
	time := testingclock.NewFakeClock(installed)
	w := &Watch{Client: reach, Clock: time, Log: logr.Discard()}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); w.Run(ctx) }()
	defer func() { stop(); <-ended }()
	judged := func() (string, bool) {
		time.Step(lookEvery)
		since := w.since.Load()
		return fmt.Sprint(since), since != nil
	}
	if err := reach.Create(t.Context(), configuration()); err != nil {
		t.Fatal(err)
	}
	await.Until(t, "the webhooks to be seen", judged)
	if err := reach.Delete(t.Context(), configuration()); err != nil {
		t.Fatal(err)
	}
	await.Until(t, "their end to be seen", func() (string, bool) { seen, is := judged(); return seen, !is })
}

func scheme(t *testing.T) *runtime.Scheme {
	t.Helper()
	s := runtime.NewScheme()
	if err := admissionregistrationv1.AddToScheme(s); err != nil {
		t.Fatal(err)
	}
	return s
}

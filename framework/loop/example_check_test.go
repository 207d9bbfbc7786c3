package loop_test

import (
	"fmt"
	"maps"
	"testing"

	"github.com/orrery-dev/orrery/framework/conditions"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// The controller of the example, checked against random worlds: that it comes to rest, that passing over a world at rest
// changes nothing, and that no crash, lost answer or stale read ever makes it touch what is not its own.
func TestWebsites(t *testing.T) {
	looptest.Check(t, looptest.Spec{
		Scheme:     websiteScheme(),
		Loops:      []loop.Loop{websites()},
		Start:      aWebsiteAndPerhapsAConfigMap,
		Change:     editPages,
		Invariants: []looptest.Invariant{strangersKeepTheirPages},
		Converged:  saysWhatIs,
	})
}

var texts = rapid.MapOfN(rapid.SampledFrom([]string{"index.html", "about.html"}), rapid.SampledFrom([]string{"Hello", "Goodbye"}), 0, 2)

func aWebsiteAndPerhapsAConfigMap(t *rapid.T) []client.Object {
	blog := metav1.ObjectMeta{Namespace: "default", Name: "blog"}
	objs := []client.Object{&Website{ObjectMeta: blog, Spec: WebsiteSpec{Pages: texts.Draw(t, "pages")}}}
	if rapid.Bool().Draw(t, "the name is taken") {
		objs = append(objs, &corev1.ConfigMap{ObjectMeta: blog, Data: map[string]string{"stranger": "mine"}})
	}
	return objs
}

func editPages(t *rapid.T, w *looptest.World) {
	for _, site := range looptest.All[*Website](w) {
		looptest.Edit(w, "user", site, func(s *Website) { s.Spec.Pages = texts.Draw(t, "pages") })
	}
}

func strangersKeepTheirPages(w *looptest.World, wrote looptest.Write) error {
	if before, ok := wrote.Before.(*corev1.ConfigMap); ok && wrote.By == "websites" && metav1.GetControllerOf(before) == nil {
		return fmt.Errorf("ConfigMap %s, which has no owner, was changed", before.Name)
	}
	return nil
}

func saysWhatIs(w *looptest.World) error {
	for _, site := range looptest.All[*Website](w) {
		holds := false
		for _, pages := range looptest.All[*corev1.ConfigMap](w) {
			holds = holds || metav1.IsControlledBy(pages, site) && maps.Equal(pages.Data, site.Spec.Pages)
		}
		taken := !holds
		ready, _ := conditions.Meta.Find(site.Status.Conditions, "Ready")
		if taken != (ready.Reason == "NameTaken") || holds != (ready.Status == metav1.ConditionTrue) {
			return fmt.Errorf("the ConfigMap holds the pages: %t; but Website %s says %q", holds, site.Name, ready.Reason)
		}
	}
	return nil
}

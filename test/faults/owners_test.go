package faults

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/orrery-dev/orrery/envtest"
)

func replicaSet(name string, replicas int32) *appsv1.ReplicaSet {
	return &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: appsv1.ReplicaSetSpec{
		Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: web}, Template: template("web:1"),
	}}
}

var _ = Describe("Owners", func() {
	It("get their pods back that come again with another UID", NodeTimeout(patience), func(ctx context.Context) {
		s := newSpace(ctx)
		c := admin.AppsV1().ReplicaSets(s.name)
		first, err := c.Create(ctx, replicaSet("web", 3), metav1.CreateOptions{})
		Expect(err).NotTo(HaveOccurred())
		s.arePods(ctx, 3, "web:1")
		before := s.uids(ctx)
		Expect(c.Delete(ctx, "web", metav1.DeleteOptions{PropagationPolicy: new(metav1.DeletePropagationOrphan)})).To(Succeed())
		gone(ctx, c.Get, "web")
		second, err := c.Create(ctx, replicaSet("web", 3), metav1.CreateOptions{})
		Expect(err).NotTo(HaveOccurred())
		Expect(second.UID).NotTo(Equal(first.UID))
		Eventually(ctx, s.owners).WithArguments(ctx).Should(Equal(map[string]int{"web " + string(second.UID): 3}))
		Expect(s.uids(ctx)).To(Equal(before))
	})

	It("that come again while their old pods go have new ones, and just as many", NodeTimeout(patience), func(ctx context.Context) {
		s := newSpace(ctx)
		c := admin.AppsV1().ReplicaSets(s.name)
		s.inject(envtest.Rule{On: envtest.Requests{Verbs: envtest.Writes()}, Chance: 0.2, Fault: envtest.AnswerLost()})
		_, err := c.Create(ctx, replicaSet("web", 3), metav1.CreateOptions{})
		Expect(err).NotTo(HaveOccurred())
		s.arePods(ctx, 3, "web:1")
		Expect(c.Delete(ctx, "web", metav1.DeleteOptions{PropagationPolicy: new(metav1.DeletePropagationBackground)})).To(Succeed())
		second, err := c.Create(ctx, replicaSet("web", 3), metav1.CreateOptions{})
		Expect(err).NotTo(HaveOccurred())
		Eventually(ctx, s.owners).WithArguments(ctx).Should(Equal(map[string]int{"web " + string(second.UID): 3}), func() string { return s.are(ctx) })
		s.arePods(ctx, 3, "web:1")
	})

	It("that select the same pods each have their own in the end", NodeTimeout(patience), func(ctx context.Context) {
		s := newSpace(ctx)
		for i := range 5 {
			t := template("web:1")
			_, err := admin.CoreV1().Pods(s.name).Create(ctx, &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprint("orphan-", i), Labels: t.Labels}, Spec: t.Spec}, metav1.CreateOptions{})
			Expect(err).NotTo(HaveOccurred())
		}
		for _, name := range []string{"one", "two"} {
			_, err := admin.AppsV1().ReplicaSets(s.name).Create(ctx, replicaSet(name, 2), metav1.CreateOptions{})
			Expect(err).NotTo(HaveOccurred())
		}
		Eventually(ctx, func(g Gomega) {
			g.Expect(s.owners(ctx)).To(And(HaveLen(2), HaveEach(2)), func() string { return s.are(ctx) })
		}).Should(Succeed())
		s.arePods(ctx, 4, "web:1")
		Expect(s.requests()).To(BeNumerically("<", atMost))
	})

	It("let their pods go on as orphans, whatever goes wrong", NodeTimeout(patience), func(ctx context.Context) {
		s := newSpace(ctx)
		s.inject(envtest.Rule{On: envtest.Requests{Verbs: envtest.Writes()}, Chance: 0.3, Fault: envtest.AnswerLost()})
		s.inject(envtest.Rule{On: envtest.Requests{Verbs: envtest.Writes()}, Chance: 0.2, Fault: envtest.Conflict()})
		c := admin.AppsV1().Deployments(s.name)
		_, err := c.Create(ctx, deployment(3), metav1.CreateOptions{})
		Expect(err).NotTo(HaveOccurred())
		s.arePods(ctx, 3, "web:1")
		Expect(c.Delete(ctx, "web", metav1.DeleteOptions{PropagationPolicy: new(metav1.DeletePropagationOrphan)})).To(Succeed())
		gone(ctx, c.Get, "web")
		sets, err := admin.AppsV1().ReplicaSets(s.name).List(ctx, metav1.ListOptions{})
		Expect(err).NotTo(HaveOccurred())
		Expect(sets.Items).To(HaveLen(1))
		Expect(sets.Items[0].OwnerReferences).To(BeEmpty())
		s.arePods(ctx, 3, "web:1")
	})
})

// owners are who controls pods of the namespace, by name and UID, and how many that are not going.
func (s *space) owners(ctx context.Context) map[string]int {
	GinkgoHelper()
	owners := map[string]int{}
	for _, pod := range s.pods(ctx) {
		if owner := metav1.GetControllerOf(&pod); owner == nil {
			owners["nobody"]++
		} else {
			owners[owner.Name+" "+string(owner.UID)]++
		}
	}
	return owners
}

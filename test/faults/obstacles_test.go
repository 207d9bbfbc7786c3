package faults

import (
	"context"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// patient is how many requests loops may send about a namespace in which something is refused, for as long as that is looked at.
const patient = 150

var _ = Describe("What stands in the way", func() {
	It("is said, and gone on from, when a quota denies half of the pods and is raised", NodeTimeout(patience), func(ctx context.Context) {
		s := newSpace(ctx)
		quotas, deployments := admin.CoreV1().ResourceQuotas(s.name), admin.AppsV1().Deployments(s.name)
		_, err := quotas.Create(ctx, &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Name: "few"}, Spec: corev1.ResourceQuotaSpec{
			Hard: corev1.ResourceList{corev1.ResourcePods: resource.MustParse("3")},
		}}, metav1.CreateOptions{})
		Expect(err).NotTo(HaveOccurred())
		Eventually(ctx, func(g Gomega) {
			quota, err := quotas.Get(ctx, "few", metav1.GetOptions{})
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(quota.Status.Hard).NotTo(BeEmpty())
		}).Should(Succeed())
		_, err = deployments.Create(ctx, deployment(6), metav1.CreateOptions{})
		Expect(err).NotTo(HaveOccurred())
		s.says(ctx, "Warning FailedCreate about ReplicaSet/web-")
		s.failsWith(ctx, "exceeded quota: few")
		s.arePods(ctx, 3, "web:1")
		s.isPatient(ctx)
		patch(ctx, quotas.Patch, "few", `{"spec":{"hard":{"pods":"6"}}}`)
		s.arePods(ctx, 6, "web:1")
		s.failsNoMore(ctx)
	})

	It("is said, and gone on from, when a policy rejects pods and is taken back", NodeTimeout(patience), func(ctx context.Context) {
		s := newSpace(ctx)
		takeBack := rejectPods(ctx, s)
		_, err := admin.AppsV1().Deployments(s.name).Create(ctx, deployment(3), metav1.CreateOptions{})
		Expect(err).NotTo(HaveOccurred())
		s.says(ctx, "no pod is good enough")
		s.failsWith(ctx, "no pod is good enough")
		s.isPatient(ctx)
		takeBack()
		s.arePods(ctx, 3, "web:1")
		s.failsNoMore(ctx)
	})

	It("is named by the namespace that cannot go, with where it is", NodeTimeout(patience), func(ctx context.Context) {
		s := newSpace(ctx)
		maps := admin.CoreV1().ConfigMaps(s.name)
		_, err := maps.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "kept", Finalizers: []string{"example.org/forgotten"}}}, metav1.CreateOptions{})
		Expect(err).NotTo(HaveOccurred())
		deleted := time.Now()
		Expect(admin.CoreV1().Namespaces().Delete(ctx, s.name, metav1.DeleteOptions{})).To(Succeed())
		Eventually(ctx, s.remains).WithArguments(ctx).Should(Equal([]string{
			"Some resources are remaining: configmaps. has 1 resource instances",
			"Some content in the namespace has finalizers remaining: example.org/forgotten in 1 resource instances",
		}))
		// Until then something could still be let in, and every kind is looked at each time.
		Eventually(ctx, time.Since).WithArguments(deleted).Should(BeNumerically(">", time.Second), "the API server knows of the deletion")
		s.isPatient(ctx)
		patch(ctx, maps.Patch, "kept", `{"metadata":{"finalizers":null}}`)
		gone(ctx, admin.CoreV1().Namespaces().Get, s.name)
	})

	It("is a node that comes and goes, whose pods stay what they were", NodeTimeout(patience), func(ctx context.Context) {
		s := newSpace(ctx)
		d := deployment(2)
		d.Spec.Template.Spec.Tolerations = []corev1.Toleration{{Key: apart.Key, Operator: corev1.TolerationOpExists}}
		d.Spec.Template.Spec.NodeSelector = map[string]string{corev1.LabelHostname: flapping + "0"}
		_, err := admin.AppsV1().Deployments(s.name).Create(ctx, d, metav1.CreateOptions{})
		Expect(err).NotTo(HaveOccurred())
		s.arePods(ctx, 2, "web:1")
		before := s.uids(ctx)
		faults.Cut(flapping)
		Eventually(ctx, nodeReady).WithArguments(ctx, flapping+"0").Should(Equal(corev1.ConditionUnknown))
		faults.Mend(flapping)
		Eventually(ctx, nodeReady).WithArguments(ctx, flapping+"0").Should(Equal(corev1.ConditionTrue))
		s.arePods(ctx, 2, "web:1")
		Expect(s.uids(ctx)).To(Equal(before))
		Expect(s.requests()).To(BeNumerically("<", atMost))
	})
})

// failsWith waits until the condition of the Deployment says that pods cannot be made, with some words in its message.
func (s *space) failsWith(ctx context.Context, words string) {
	GinkgoHelper()
	Eventually(ctx, s.failure).WithArguments(ctx).Should(ContainSubstring(words))
}

func (s *space) failsNoMore(ctx context.Context) {
	GinkgoHelper()
	Eventually(ctx, s.failure).WithArguments(ctx).Should(BeEmpty())
}

// failure is what the condition of the Deployment says; empty where nothing fails.
func (s *space) failure(ctx context.Context) (string, error) {
	d, err := admin.AppsV1().Deployments(s.name).Get(ctx, "web", metav1.GetOptions{})
	if err != nil {
		return "", err
	}
	for _, c := range d.Status.Conditions {
		if c.Type == "ReplicaFailure" && c.Status == corev1.ConditionTrue {
			return c.Message, nil
		}
	}
	return "", nil
}

// isPatient looks for a while at how many requests there are about a namespace in which nothing can go on.
func (s *space) isPatient(ctx context.Context) {
	GinkgoHelper()
	began := s.requests()
	Consistently(ctx, func() int { return s.requests() - began }).WithTimeout(3*time.Second).Should(BeNumerically("<", patient), faults.String)
}

// remains is what keeps the namespace, as its conditions say.
func (s *space) remains(ctx context.Context) (messages []string, err error) {
	namespace, err := admin.CoreV1().Namespaces().Get(ctx, s.name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	for _, kind := range []corev1.NamespaceConditionType{corev1.NamespaceContentRemaining, corev1.NamespaceFinalizersRemaining} {
		for _, c := range namespace.Status.Conditions {
			if c.Type == kind && c.Status == corev1.ConditionTrue {
				messages = append(messages, c.Message)
			}
		}
	}
	return messages, nil
}

// uids are the identities of the pods, by name.
func (s *space) uids(ctx context.Context) map[string]string {
	GinkgoHelper()
	uids := map[string]string{}
	for _, pod := range s.pods(ctx) {
		uids[pod.Name] = string(pod.UID)
	}
	return uids
}

func nodeReady(ctx context.Context, name string) (corev1.ConditionStatus, error) {
	node, err := admin.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return "", err
	}
	for _, c := range node.Status.Conditions {
		if c.Type == corev1.NodeReady {
			return c.Status, nil
		}
	}
	return "", nil
}

// rejectPods has the API server reject every pod of a namespace, until the function is called.
func rejectPods(ctx context.Context, s *space) (takeBack func()) {
	GinkgoHelper()
	policies, bindings := admin.AdmissionregistrationV1().ValidatingAdmissionPolicies(), admin.AdmissionregistrationV1().ValidatingAdmissionPolicyBindings()
	rules := []admissionregistrationv1.NamedRuleWithOperations{{RuleWithOperations: admissionregistrationv1.RuleWithOperations{
		Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create},
		Rule:       admissionregistrationv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"pods"}},
	}}}
	_, err := policies.Create(ctx, &admissionregistrationv1.ValidatingAdmissionPolicy{ObjectMeta: metav1.ObjectMeta{Name: s.name}, Spec: admissionregistrationv1.ValidatingAdmissionPolicySpec{
		MatchConstraints: &admissionregistrationv1.MatchResources{ResourceRules: rules},
		Validations:      []admissionregistrationv1.Validation{{Expression: "false", Message: "no pod is good enough"}},
	}}, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
	_, err = bindings.Create(ctx, &admissionregistrationv1.ValidatingAdmissionPolicyBinding{ObjectMeta: metav1.ObjectMeta{Name: s.name}, Spec: admissionregistrationv1.ValidatingAdmissionPolicyBindingSpec{
		PolicyName: s.name, ValidationActions: []admissionregistrationv1.ValidationAction{admissionregistrationv1.Deny},
		MatchResources: &admissionregistrationv1.MatchResources{NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: s.name}}},
	}}, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
	try := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "try"}, Spec: template("web:1").Spec}
	Eventually(ctx, func() error {
		_, err := admin.CoreV1().Pods(s.name).Create(ctx, try, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		return err
	}).Should(MatchError(ContainSubstring("no pod is good enough")))
	return func() {
		GinkgoHelper()
		Expect(bindings.Delete(ctx, s.name, metav1.DeleteOptions{})).To(Succeed())
		Expect(policies.Delete(ctx, s.name, metav1.DeleteOptions{})).To(Succeed())
	}
}

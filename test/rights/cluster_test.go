package rights_test

import (
	"fmt"
	"strings"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/orrery-dev/orrery/internal/await"
)

// A session that touches everything that our components do; the audit log tells whether any of it was refused, and which of
// their rights they did not use.
// nodes lets one node fall silent under its pod, and go: somebody says that it will not come back.
func (s *session) nodes(t *testing.T) {
	silent := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "silent"}}
	web := pod("default", "stays")
	web.Spec.NodeName = silent.Name
	s.create(t, web)
	base := web.DeepCopy()
	web.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	if err := s.Status().Patch(t.Context(), web, client.MergeFrom(base)); err != nil {
		t.Fatal(err)
	}
	s.create(t, silent) // last: once it is missed, nobody looks whether its pods get ready
	await.Until(t, "the node to be emptied", func() (string, bool) {
		err := s.Get(t.Context(), client.ObjectKeyFromObject(silent), silent)
		return fmt.Sprint(silent.Spec, silent.Status.Conditions, err), len(silent.Spec.Taints) == 2 && silent.Spec.PodCIDR != ""
	})
	await.Until(t, "its pod to be told to go", func() (string, bool) {
		err := s.Get(t.Context(), client.ObjectKeyFromObject(web), web)
		return fmt.Sprint(web.Status, err), web.DeletionTimestamp != nil
	})
	s.change(t, silent, func() {
		silent.Spec.Taints = append(silent.Spec.Taints, corev1.Taint{Key: corev1.TaintNodeOutOfService, Effect: corev1.TaintEffectNoExecute})
	})
	s.gone(t, web)
	s.remove(t, silent)
}

// roles makes one of others, with rights that nobody has.
func (s *session) roles(t *testing.T) {
	part := &rbacv1.ClusterRole{
		ObjectMeta: metav1.ObjectMeta{Name: "part", Labels: map[string]string{"part": "of-it"}},
		Rules:      []rbacv1.PolicyRule{{APIGroups: []string{"example.org"}, Resources: []string{"planets"}, Verbs: []string{"*"}}},
	}
	whole := &rbacv1.ClusterRole{
		ObjectMeta:      metav1.ObjectMeta{Name: "whole"},
		AggregationRule: &rbacv1.AggregationRule{ClusterRoleSelectors: []metav1.LabelSelector{{MatchLabels: part.Labels}}},
	}
	s.create(t, part, whole)
	await.Until(t, "the role to have the rules of its part", func() (string, bool) {
		err := s.Get(t.Context(), client.ObjectKeyFromObject(whole), whole)
		return fmt.Sprint(whole.Rules, err), len(whole.Rules) == 1
	})
}

// namespaces makes one, fills it, and deletes it.
func (s *session) namespaces(t *testing.T) {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "passing"}}
	s.create(t, namespace)
	for _, made := range []client.Object{
		&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace.Name, Name: "default"}},
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace.Name, Name: "kube-root-ca.crt"}},
	} {
		await.Until(t, made.GetName(), func() (string, bool) {
			err := s.Get(t.Context(), client.ObjectKeyFromObject(made), made)
			return fmt.Sprint(err), err == nil
		})
	}
	published := &corev1.ConfigMap{}
	if err := s.Get(t.Context(), client.ObjectKey{Namespace: namespace.Name, Name: "kube-root-ca.crt"}, published); err != nil {
		t.Fatal(err)
	}
	s.change(t, published, func() { published.Data = nil })
	await.Until(t, "the root CA to be published again", func() (string, bool) {
		err := s.Get(t.Context(), client.ObjectKeyFromObject(published), published)
		return fmt.Sprint(err), err == nil && len(published.Data) > 0
	})
	web := deployment("web", 2)
	web.Namespace = namespace.Name
	s.create(t, web, planet("venus", &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace.Name}}))
	s.available(t, web)
	s.remove(t, namespace)
	s.gone(t, namespace)
}

// tokens asks for a token of a ServiceAccount, and takes the account away.
func (s *session) tokens(t *testing.T) {
	builder := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "builder"}}
	token := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "default", Name: "builder-token", Annotations: map[string]string{corev1.ServiceAccountNameKey: builder.Name},
		},
		Type: corev1.SecretTypeServiceAccountToken,
	}
	s.create(t, builder, token)
	await.Until(t, "the Secret to have a token", func() (string, bool) {
		err := s.Get(t.Context(), client.ObjectKeyFromObject(token), token)
		return fmt.Sprint(err), err == nil && len(token.Data[corev1.ServiceAccountTokenKey]) > 0
	})
	s.remove(t, builder)
	s.gone(t, token)
}

// garbage deletes owners by each policy, and one of a kind that was not there when the collector started.
func (s *session) garbage(t *testing.T) {
	for _, how := range []metav1.DeletionPropagation{metav1.DeletePropagationForeground, metav1.DeletePropagationBackground, metav1.DeletePropagationOrphan} {
		owner := deployment("garbage-"+strings.ToLower(string(how)), 1)
		s.create(t, owner)
		s.available(t, owner)
		s.remove(t, owner, client.PropagationPolicy(how))
		await.Until(t, "what the Deployment leaves", func() (string, bool) {
			var pods corev1.PodList
			err := s.List(t.Context(), &pods, client.InNamespace("default"), client.MatchingLabels{"app": owner.Name})
			return fmt.Sprint(len(pods.Items), err), len(pods.Items) == 0 == (how != metav1.DeletePropagationOrphan)
		})
	}
	s.create(t, planets())
	owner := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "sun"}}
	s.create(t, owner)
	mars := planet("mars", owner)
	await.Until(t, "the kind to be served", func() (string, bool) {
		err := s.Create(t.Context(), mars)
		return fmt.Sprint(err), err == nil
	})
	s.remove(t, owner)
	s.gone(t, mars)

	s.create(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "elsewhere"}})
	far := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "elsewhere", Name: "far"}}
	s.create(t, far)
	near := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "near", OwnerReferences: []metav1.OwnerReference{
		{APIVersion: "v1", Kind: "ConfigMap", Name: far.Name, UID: far.UID},
	}}}
	s.create(t, near)
	s.recorded(t, "OwnerRefInvalidNamespace")
	s.gone(t, near)
}

// volumes makes a pod with two ephemeral volumes, one of which has the name of somebody else's claim. Nobody schedules it.
func (s *session) volumes(t *testing.T) {
	template := corev1.PersistentVolumeClaimTemplate{Spec: corev1.PersistentVolumeClaimSpec{
		AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
		Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Mi")}},
	}}
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "keeper"},
		Spec: corev1.PodSpec{
			SchedulingGates: []corev1.PodSchedulingGate{{Name: "example.org/never"}},
			Containers:      []corev1.Container{{Name: "main", Image: "main"}},
		},
	}
	for _, name := range []string{"own", "taken"} {
		pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{
			Ephemeral: &corev1.EphemeralVolumeSource{VolumeClaimTemplate: &template},
		}})
	}
	s.create(t, &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "keeper-taken"}, Spec: template.Spec}, pod)
	await.Success(t, "the pod has its claim", func() error {
		return s.Get(t.Context(), client.ObjectKey{Namespace: "default", Name: "keeper-own"}, &corev1.PersistentVolumeClaim{})
	})
	s.recorded(t, "FailedBinding")
}

// policies makes a mistake in a policy.
func (s *session) policies(t *testing.T) {
	policy := &admissionregistrationv1.ValidatingAdmissionPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: "mistaken"},
		Spec: admissionregistrationv1.ValidatingAdmissionPolicySpec{
			MatchConstraints: &admissionregistrationv1.MatchResources{ResourceRules: []admissionregistrationv1.NamedRuleWithOperations{{
				RuleWithOperations: admissionregistrationv1.RuleWithOperations{
					Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create},
					Rule:       admissionregistrationv1.Rule{APIGroups: []string{"apps"}, APIVersions: []string{"v1"}, Resources: []string{"deployments"}},
				},
			}}},
			Validations: []admissionregistrationv1.Validation{{Expression: "object.spec.nonsense > 1"}},
		},
	}
	s.create(t, policy)
	await.Until(t, "the mistake to be told", func() (string, bool) {
		if err := s.Get(t.Context(), client.ObjectKeyFromObject(policy), policy); err != nil {
			return err.Error(), false
		}
		return policy.Status.String(), policy.Status.TypeChecking != nil
	})
	s.remove(t, policy)
}

package config

import (
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/yaml"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/nodeagent/judges"
)

// hooks are the webhooks of a built folder, and what belongs to them.
type hooks struct {
	service    corev1.Service
	mutating   admissionregistrationv1.MutatingWebhookConfiguration
	validating admissionregistrationv1.ValidatingWebhookConfiguration
}

func hooksOf(t *testing.T, built resmap.ResMap) hooks {
	t.Helper()
	var h hooks
	read(t, built, "Service", "orrery-webhook-service", &h.service)
	read(t, built, "MutatingWebhookConfiguration", "orrery-mutating-webhook-configuration", &h.mutating)
	read(t, built, "ValidatingWebhookConfiguration", "orrery-validating-webhook-configuration", &h.validating)
	return h
}

// read decodes a resource that has to be there.
func read(t *testing.T, built resmap.ResMap, kind, name string, into any) {
	t.Helper()
	for _, r := range built.Resources() {
		if r.GetKind() != kind || r.GetName() != name {
			continue
		}
		if err := yaml.Unmarshal([]byte(r.MustYaml()), into); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Fatalf("there is no %s %s", kind, name)
}

// All names have to fit together that the manager keeps the certificate of its webhooks by.
func TestTheManagerKeepsTheCertificateOfItsWebhooks(t *testing.T) {
	built := build(t, "default")
	h := hooksOf(t, built)
	for _, asked := range []*admissionregistrationv1.ServiceReference{h.mutating.Webhooks[0].ClientConfig.Service, h.validating.Webhooks[0].ClientConfig.Service} {
		if asked.Name != h.service.Name || asked.Namespace != h.service.Namespace {
			t.Errorf("the API server asks %s/%s, the service is %s/%s", asked.Namespace, asked.Name, h.service.Namespace, h.service.Name)
		}
	}
	if h.service.Name != "orrery-webhook-service" {
		t.Errorf("the service is %s, and not what --webhook-service is by default", h.service.Name)
	}
	var secret corev1.Secret
	read(t, built, "Secret", "orrery-webhook-certificate", &secret)
	if len(secret.Data)+len(secret.StringData) > 0 {
		t.Error("the Secret is not empty: what is applied would take away what the manager has written")
	}
	if args := managerOf(t, built).Spec.Template.Spec.Containers[0].Args; !slices.Contains(args, "--webhook-cert-secret="+secret.Name) || !slices.Contains(args, "--leader-elect") {
		t.Errorf("the manager has the arguments %v, want those from before and --webhook-cert-secret=%s", args, secret.Name)
	}
	for _, kind := range apis.Kinds() {
		group := kind.GroupVersionKind(apis.Orrery).Group
		if validate := h.validating.Webhooks[1]; !slices.Contains(validate.Rules[0].APIGroups, group) {
			t.Errorf("nobody asks %s about %s", validate.Name, group)
		}
	}
}

// Of Secrets the manager sees that of its certificate alone, and of webhook configurations it changes its own alone.
func TestTheManagerMayWriteItsOwnCertificateAlone(t *testing.T) {
	built := build(t, "default")
	var secrets rbacv1.Role
	read(t, built, "Role", "orrery-webhook-certificates-role", &secrets)
	if len(secrets.Rules) != 1 || !slices.Equal(secrets.Rules[0].ResourceNames, []string{"orrery-webhook-certificate"}) || slices.Contains(secrets.Rules[0].Verbs, "create") {
		t.Errorf("of Secrets it may %v", secrets.Rules)
	}
	var configurations rbacv1.ClusterRole
	read(t, built, "ClusterRole", "orrery-webhook-configurations-role", &configurations)
	named := map[string]string{"mutatingwebhookconfigurations": "orrery-mutating-webhook-configuration", "validatingwebhookconfigurations": "orrery-validating-webhook-configuration"}
	for _, rule := range configurations.Rules {
		if !slices.ContainsFunc(rule.Verbs, func(verb string) bool { return !slices.Contains([]string{"get", "list", "watch"}, verb) }) {
			continue
		}
		if len(rule.Resources) != 1 || !slices.Equal(rule.ResourceNames, []string{named[rule.Resources[0]]}) || !slices.Equal(rule.Verbs, []string{"patch"}) {
			t.Errorf("it may %v", rule)
		}
	}
	for _, rule := range role(t, "webhook/role.yaml").Rules {
		for _, wrong := range overreaches(rule, nil) {
			t.Errorf("config/webhook/role.yaml: %s", wrong)
		}
	}
}

// A manager that does not answer holds up nothing but writes of our kinds: nothing of the cluster's own is asked about. Nobody can get
// around being asked, by a label or by the namespace that he is in; and what is being deleted goes without.
func TestADeadManagerLocksNothingButOurKinds(t *testing.T) {
	h := hooksOf(t, build(t, "default"))
	webhooks := h.validating.Webhooks
	for _, m := range h.mutating.Webhooks {
		webhooks = append(webhooks, admissionregistrationv1.ValidatingWebhook{
			Name: m.Name, Rules: m.Rules, FailurePolicy: m.FailurePolicy, MatchPolicy: m.MatchPolicy,
			NamespaceSelector: m.NamespaceSelector, ObjectSelector: m.ObjectSelector, MatchConditions: m.MatchConditions,
		})
	}
	for _, w := range webhooks {
		for _, rule := range w.Rules {
			for _, group := range rule.APIGroups {
				if !isOurs(group) {
					t.Errorf("%s is asked about %s", w.Name, group)
				}
			}
			if slices.ContainsFunc(rule.Resources, func(resource string) bool { return strings.Contains(resource, "/") }) {
				t.Errorf("%s is asked about the subresources %v: nodes could not tell how they are", w.Name, rule.Resources)
			}
			if slices.Contains(rule.Operations, admissionregistrationv1.Delete) || slices.Contains(rule.Operations, admissionregistrationv1.OperationAll) {
				t.Errorf("%s is asked about deletions", w.Name)
			}
		}
		if w.FailurePolicy == nil || *w.FailurePolicy != admissionregistrationv1.Fail {
			t.Errorf("%s lets through what it was not asked about", w.Name)
		}
		if w.ObjectSelector != nil || w.NamespaceSelector != nil {
			t.Errorf("%s is not asked about everything", w.Name)
		}
		if len(w.MatchConditions) != 1 || !strings.Contains(w.MatchConditions[0].Expression, "deletionTimestamp") {
			t.Errorf("%s has the conditions %v", w.Name, w.MatchConditions)
		}
	}
}

// A node agent runs pods of any level where it knows that these webhooks have judged them.
func TestNodeAgentsBelieveTheWebhooksThatAreInstalled(t *testing.T) {
	installed := hooksOf(t, build(t, "default")).validating
	installed.CreationTimestamp = metav1.Unix(1, 0)
	if since, ok := judges.Since([]admissionregistrationv1.ValidatingWebhookConfiguration{installed}); !ok || since.Unix() != 1 {
		t.Errorf("pods count as judged: %t since %s", ok, since)
	}
}

// The default with the line uncommented that has cert-manager keep the certificate.
func TestCertManagerCanKeepTheCertificate(t *testing.T) {
	built := buildDefaultWith(t, "certmanager")
	h, certificate := hooksOf(t, built), map[string]any{}
	read(t, built, "Certificate", "orrery-serving-cert", &certificate)
	names := certificate["spec"].(map[string]any)["dnsNames"].([]any)
	if !slices.Contains(names, any(h.service.Name+"."+h.service.Namespace+".svc")) {
		t.Errorf("the certificate is for %v, not for the service %s", names, h.service.Name)
	}
	held := certificate["metadata"].(map[string]any)
	for _, annotations := range []map[string]string{h.mutating.Annotations, h.validating.Annotations} {
		if want := held["namespace"].(string) + "/" + held["name"].(string); annotations["cert-manager.io/inject-ca-from"] != want {
			t.Errorf("the API server trusts %v, the certificate is %s", annotations, want)
		}
	}
	manager := managerOf(t, built).Spec.Template.Spec
	if secret := manager.Volumes[0].Secret.SecretName; secret != certificate["spec"].(map[string]any)["secretName"] {
		t.Errorf("the manager serves with the secret %s, which the certificate does not fill", secret)
	}
	args := manager.Containers[0].Args
	last := slices.IndexFunc(args, func(arg string) bool { return arg == "--webhook-cert-secret=" })
	if last < slices.Index(args, "--webhook-cert-secret=orrery-webhook-certificate") || !slices.Contains(args, "--webhook-cert-path="+manager.Containers[0].VolumeMounts[0].MountPath) {
		t.Errorf("the manager has the arguments %v", args)
	}
}

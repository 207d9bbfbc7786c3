package config

import (
	"slices"
	"testing"

	"sigs.k8s.io/yaml"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-dev/orrery/apis"
)

// The default with the lines uncommented that turn webhooks on: all names have to fit together.
func TestWebhooksCanBeTurnedOn(t *testing.T) {
	built := buildDefaultWith(t, "webhook")
	var service corev1.Service
	var manager appsv1.Deployment
	var hooks admissionregistrationv1.ValidatingWebhookConfiguration
	certificate := map[string]any{}
	for kind, into := range map[string]any{
		"Service": &service, "Deployment": &manager, "ValidatingWebhookConfiguration": &hooks, "Certificate": &certificate,
	} {
		for _, r := range built.Resources() {
			if r.GetKind() != kind {
				continue
			}
			if err := yaml.Unmarshal([]byte(r.MustYaml()), into); err != nil {
				t.Fatal(err)
			}
		}
	}
	asked := hooks.Webhooks[0].ClientConfig.Service
	if asked.Name != service.Name || asked.Namespace != service.Namespace {
		t.Errorf("the API server asks %s/%s, the service is %s/%s", asked.Namespace, asked.Name, service.Namespace, service.Name)
	}
	names := certificate["spec"].(map[string]any)["dnsNames"].([]any)
	if !slices.Contains(names, any(service.Name+"."+service.Namespace+".svc")) {
		t.Errorf("the certificate is for %v, not for the service %s", names, service.Name)
	}
	held := certificate["metadata"].(map[string]any)
	if want := held["namespace"].(string) + "/" + held["name"].(string); hooks.Annotations["cert-manager.io/inject-ca-from"] != want {
		t.Errorf("the API server trusts %v, the certificate is %s", hooks.Annotations, want)
	}
	if secret := manager.Spec.Template.Spec.Volumes[0].Secret.SecretName; secret != certificate["spec"].(map[string]any)["secretName"] {
		t.Errorf("the manager serves with the secret %s, which the certificate does not fill", secret)
	}
	if args := manager.Spec.Template.Spec.Containers[0].Args; len(args) != 5 {
		t.Errorf("the manager has the arguments %v, want those from before and the path of the certificate", args)
	}
	for _, kind := range apis.Kinds() {
		if group := kind.GroupVersionKind(apis.Orrery).Group; !slices.Contains(hooks.Webhooks[0].Rules[0].APIGroups, group) {
			t.Errorf("nobody asks the webhooks about %s", group)
		}
	}
}

package agent

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/orrery-dev/orrery/internal/await"
)

// accessByToken: a service account that may read metrics of this node reads them with its token, and nothing else.
func (w *cluster) accessByToken(t *testing.T) {
	p := w.in(t)
	role := &rbacv1.ClusterRole{
		ObjectMeta: metav1.ObjectMeta{Name: "collector"},
		Rules: []rbacv1.PolicyRule{{
			APIGroups: []string{""}, Resources: []string{"nodes/stats", "nodes/metrics"}, ResourceNames: []string{nodeName}, Verbs: []string{"get"},
		}},
	}
	if _, err := p.client.RbacV1().ClusterRoles().Create(t.Context(), role, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "collector"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "collector"},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: "default", Name: "default"}},
	}
	if _, err := p.client.RbacV1().ClusterRoleBindings().Create(t.Context(), binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	token, err := p.client.CoreV1().ServiceAccounts("default").CreateToken(t.Context(), "default", &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	await.Success(t, "the service account is let in", func() error { // as soon as the API server's authorizer knows of the role
		code, err := p.askNode(t.Context(), token.Status.Token, "/stats/summary")
		if err == nil && code != http.StatusOK {
			err = fmt.Errorf("it got %d", code)
		}
		return err
	})
	for _, test := range []struct {
		name, token, path string
		want              int
	}{
		{"what metrics-server reads", token.Status.Token, "/metrics/resource", http.StatusOK},
		{"what dashboards are made for", token.Status.Token, "/metrics/cadvisor", http.StatusOK},
		{"answers of probes", token.Status.Token, "/metrics/probes", http.StatusOK},
		{"what the role does not name", token.Status.Token, "/pods", http.StatusForbidden},
		{"logs", token.Status.Token, "/containerLogs/default/web/web", http.StatusForbidden},
		{"a token that is nobody's", "made-up", "/stats/summary", http.StatusUnauthorized},
		{"no token", "", "/stats/summary", http.StatusUnauthorized},
	} {
		if code, err := p.askNode(t.Context(), test.token, test.path); code != test.want {
			t.Errorf("%s: got %d (%v), want %d", test.name, code, err, test.want)
		}
	}
}

// askNode asks the node's server with a token.
func (w *cluster) askNode(ctx context.Context, token, path string) (int, error) {
	node, err := w.client.CoreV1().Nodes().Get(ctx, nodeName, metav1.GetOptions{})
	if err != nil {
		return 0, err
	}
	url := fmt.Sprintf("https://127.0.0.1:%d%s", node.Status.DaemonEndpoints.KubeletEndpoint.Port, path)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, // the test is about clients
	}}
	response, err := client.Do(request)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, response.Body)
	if closing := response.Body.Close(); err == nil {
		err = closing
	}
	return response.StatusCode, err
}

package dns

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	miekg "github.com/miekg/dns"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"

	"github.com/orrery-dev/orrery/internal/await"
	"github.com/orrery-dev/orrery/network/dns"
)

func TestUsersFindWhatTheyKnow(t *testing.T) {
	c := start(t)
	service, err := c.client.CoreV1().Services("kube-system").Get(t.Context(), "kube-dns", metav1.GetOptions{})
	await.Success(t, "the Service is there", func() error {
		service, err = c.client.CoreV1().Services("kube-system").Get(t.Context(), "kube-dns", metav1.GetOptions{})
		return err
	})
	if service.Spec.ClusterIP != "10.96.0.10" || len(service.Spec.Selector) > 0 {
		t.Errorf("the Service has the address %s and the selector %v, want 10.96.0.10 and none", service.Spec.ClusterIP, service.Spec.Selector)
	}
	c.answers("kube-dns.kube-system.svc.a.test", "A", "kube-dns.kube-system.svc.a.test. A 10.96.0.10")
	if got := c.corefile(); got != dns.DefaultCorefile("a.test") {
		t.Errorf("the Corefile is\n%s", got)
	}
}

func TestACorefileIsTakenUpAndABrokenOneIsNot(t *testing.T) {
	c := start(t)
	c.corefile()
	c.edit(strings.Replace(dns.DefaultCorefile("a.test"), "    ready\n", "    ready\n    hosts {\n        192.0.2.1 printer.test\n        fallthrough\n    }\n", 1))
	c.answers("printer.test", "A", "printer.test. A 192.0.2.1")

	c.edit(".:53 {\n    nonsense\n}\n")
	await.Until(t, "the Corefile to be refused", func() (string, bool) {
		problem := c.dns.Problem()
		return fmt.Sprint(problem), problem != nil && strings.Contains(problem.Error(), "Corefile:2")
	})
	await.Until(t, "an Event that says so", func() (string, bool) {
		events, err := c.client.EventsV1().Events("kube-system").List(t.Context(), metav1.ListOptions{})
		if err != nil {
			return err.Error(), false
		}
		var seen []string
		for _, event := range events.Items {
			seen = append(seen, event.Reason+" of "+event.Regarding.Name+": "+event.Note)
			if event.Reason == "CorefileRefused" && event.Regarding.Name == "coredns" && event.Type == corev1.EventTypeWarning {
				return "", true
			}
		}
		return strings.Join(seen, "\n"), false
	})
	if got := c.ask("printer.test", "A"); got[0] != "printer.test. A 192.0.2.1" {
		t.Errorf("with a broken Corefile printer.test is %v, want what it was", got)
	}

	if err := c.client.CoreV1().ConfigMaps("kube-system").Delete(t.Context(), "coredns", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	await.Until(t, "the default Corefile, which is not broken", func() (string, bool) {
		problem := c.dns.Problem()
		return fmt.Sprint(problem), problem == nil
	})
	if got := c.corefile(); got != dns.DefaultCorefile("a.test") {
		t.Errorf("after the ConfigMap was deleted the Corefile is\n%s", got)
	}
	c.answers("kubernetes.default.svc.a.test", "A", "kubernetes.default.svc.a.test. A 10.96.0.1")
}

func TestNamesOfTheOutsideAreAskedOfTheMachinesResolvers(t *testing.T) {
	c := start(t)
	packets, err := net.ListenPacket("udp", "127.0.0.2:53")
	if err != nil {
		t.Skipf("being a resolver at port 53 is not possible: %v", err)
	}
	resolver := &miekg.Server{PacketConn: packets, Handler: miekg.HandlerFunc(func(w miekg.ResponseWriter, r *miekg.Msg) {
		answer := new(miekg.Msg).SetReply(r)
		record, err := miekg.NewRR(r.Question[0].Name + " 60 IN A 203.0.113.7")
		if err != nil {
			t.Error(err)
		}
		answer.Answer = []miekg.RR{record}
		_ = w.WriteMsg(answer) // who asked may have gone
	})}
	ended := make(chan error, 1)
	listening := make(chan struct{})
	resolver.NotifyStartedFunc = func() { close(listening) }
	go func() { ended <- resolver.ActivateAndServe() }()
	<-listening
	t.Cleanup(func() {
		if err := errors.Join(resolver.Shutdown(), <-ended); err != nil {
			t.Error(err)
		}
	})
	c.answers("www.example.com", "A", "SERVFAIL") // there is no resolver yet
	c.resolve([]string{"127.0.0.2"})
	c.answers("www.example.com", "A", "www.example.com. A 203.0.113.7")
	c.namespace("shop")
	c.service("elsewhere", corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: "www.example.com"})
	c.answers("elsewhere.shop.svc.a.test", "A", "elsewhere.shop.svc.a.test. CNAME www.example.com.", "www.example.com. A 203.0.113.7")
}

// corefile waits for the Corefile of the ConfigMap.
func (c *cluster) corefile() string {
	c.t.Helper()
	var config *corev1.ConfigMap
	await.Success(c.t, "the ConfigMap is there", func() (err error) {
		config, err = c.client.CoreV1().ConfigMaps("kube-system").Get(c.t.Context(), "coredns", metav1.GetOptions{})
		return err
	})
	return config.Data["Corefile"]
}

func (c *cluster) edit(corefile string) {
	c.t.Helper()
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		config, err := c.client.CoreV1().ConfigMaps("kube-system").Get(c.t.Context(), "coredns", metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return fmt.Errorf("there is no ConfigMap: %w", err)
		}
		if err != nil {
			return err
		}
		config.Data = map[string]string{"Corefile": corefile}
		_, err = c.client.CoreV1().ConfigMaps("kube-system").Update(c.t.Context(), config, metav1.UpdateOptions{})
		return err
	})
	if err != nil {
		c.t.Fatal(err)
	}
}

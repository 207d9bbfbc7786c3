package registration

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/utils/clock"

	"github.com/orrery-dev/orrery/apiserver/pki"
)

const kubeconfig = `
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "https://192.0.2.1:6443"}}]
users: [{name: %, user: {token: %}}]
contexts: [{name: c, context: {cluster: c, user: %}}]
current-context: c
`

func accessOf(who string) []byte { return []byte(strings.ReplaceAll(kubeconfig, "%", who)) }

func TestWhatIsWrittenIsRead(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "registration")
	if _, err := Read(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the error where there is none is %v", err)
	}
	store, err := pki.Open(t.TempDir(), clock.RealClock{})
	if err != nil {
		t.Fatal(err)
	}
	pair, err := store.Authority().Sign(pki.Leaf{CommonName: "system:node:two"})
	if err != nil {
		t.Fatal(err)
	}
	written := Registration{NodeName: "two", Address: netip.MustParseAddr("192.0.2.2"), Files: Files{
		NodeKubeconfig: accessOf("node"), ProxyKubeconfig: accessOf("proxy"),
		Certificate: pair.Certificate, Key: pair.Key, Authority: store.Authority().Certificate(),
	}}
	for range 2 { // the second one in place of the first
		if err := written.Write(dir); err != nil {
			t.Fatal(err)
		}
	}

	read, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if read.NodeName != "two" || read.Address != written.Address {
		t.Errorf("the node is %s at %s", read.NodeName, read.Address)
	}
	node, err := read.Node()
	if err != nil || node.BearerToken != "node" {
		t.Errorf("the node agent shows %v (%v)", node, err)
	}
	proxy, err := read.Proxy()
	if err != nil || proxy.BearerToken != "proxy" {
		t.Errorf("the proxy shows %v (%v)", proxy, err)
	}
	certificate, authority, err := read.Serving()
	if err != nil || certificate == nil || authority == nil {
		t.Errorf("the server has %v, and its clients are signed by %v (%v)", certificate, authority, err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) != 6 {
		t.Errorf("the files are %v (%v)", files, err)
	}
	for _, file := range files {
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("others can read %s (%v)", file, err)
		}
	}
}

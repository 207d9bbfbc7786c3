package e2e

import (
	"bufio"
	"bytes"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/orrery-dev/orrery/internal/await"
)

// inDir is a path in the instance's folder.
func (p *plane) inDir(path ...string) string {
	return filepath.Join(append([]string{p.dir, p.name}, path...)...)
}

// port is where the API server listens.
func (p *plane) port() string {
	p.t.Helper()
	settings, err := os.ReadFile(p.inDir("settings.json"))
	if err != nil {
		p.t.Fatal(err)
	}
	found := regexp.MustCompile(`"port": *(\d+)`).FindSubmatch(settings)
	if found == nil {
		p.t.Fatalf("the settings name no port: %s", settings)
	}
	return string(found[1])
}

func TestTheFolderOfAnInstanceIsItsOwnersAloneAndTellsNoSecret(t *testing.T) {
	t.Parallel()
	p := start(t, "--runtime", "simulated", "--audit")
	p.kubectl("create", "secret", "generic", "voyage", "--from-literal=password="+secretWord)
	for _, folder := range []string{"", "apiserver", "apiserver/pki", "apiserver/etcd", "log"} {
		info, err := os.Stat(p.inDir(folder))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o700 {
			t.Errorf("folder %s has mode %v, want 0700", folder, info.Mode())
		}
	}
	public := regexp.MustCompile(`\.(crt|pub)$`)
	seen := map[string]bool{}
	p.eachFile(func(path string, mode fs.FileMode, content []byte) {
		seen[filepath.Base(path)] = true
		if mode.Perm()&0o077 != 0 && !public.MatchString(path) {
			t.Errorf("%s has mode %v, and is for its owner alone", path, mode)
		}
		if bytes.Contains(content, []byte(secretWord)) {
			t.Errorf("%s tells the Secret", path)
		}
	})
	for _, name := range []string{"encryption.yaml", "audit.log", "kubeconfig", "db"} {
		if !seen[name] {
			t.Errorf("there is no %s", name)
		}
	}
}

func TestThePagesOnSecurityNameEveryKeyAndEverybody(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("../../docs/security*.md")
	if err != nil || len(pages) == 0 {
		t.Fatalf("there are pages %v (%v)", pages, err)
	}
	var page []byte
	for _, path := range pages {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		page = append(page, content...)
	}
	p := start(t, "--runtime", "simulated", "--audit")
	files, err := os.ReadDir(p.inDir("apiserver", "pki"))
	if err != nil || len(files) < 10 {
		t.Fatalf("there are %d files of certificates (%v)", len(files), err)
	}
	clients := regexp.MustCompile(`^client-.*\.`)
	for _, file := range files {
		if name := clients.ReplaceAllString(file.Name(), "client-NAME."); !bytes.Contains(page, []byte("`"+name+"`")) {
			t.Errorf("no page names %s", file.Name())
		}
	}
	nodes := regexp.MustCompile(`^system:node:.*`)
	await.Until(t, "all components to have been seen in the audit log", func() (string, bool) {
		log, err := os.ReadFile(p.inDir("log", "audit.log"))
		if err != nil {
			return err.Error(), false
		}
		seen := map[string]bool{}
		for _, found := range regexp.MustCompile(`"username":"((?:orrery|system):[^"]*)"`).FindAllSubmatch(log, -1) {
			seen[nodes.ReplaceAllString(string(found[1]), "system:node:NAME")] = true
		}
		for name := range seen {
			if name != "system:anonymous" && !bytes.Contains(page, []byte("`"+name+"`")) {
				t.Fatalf("no page names %s", name)
			}
		}
		return fmt.Sprint(seen), len(seen) >= 4 && seen["orrery:scheduler"] && seen["orrery:simulated-nodes"]
	})
}

func TestOnlyThisMachineCanConnectUnlessItIsSaid(t *testing.T) {
	p := start(t, "--runtime", "simulated")
	for _, address := range p.listening() {
		if !address.Addr().IsLoopback() {
			t.Errorf("it listens on %s", address)
		}
	}
	p.orrery("down")
	p.up("--runtime", "simulated", "--bind-address", "0.0.0.0")
	var open []string
	for _, address := range p.listening() {
		if !address.Addr().IsLoopback() {
			open = append(open, strconv.Itoa(int(address.Port())))
		}
	}
	want := append(p.memberPorts(), p.port())
	slices.Sort(open)
	slices.Sort(want)
	if !slices.Equal(open, want) {
		t.Errorf("others can connect to %v, want the API server's port %s and those of members, which are %v, alone", open, p.port(), want)
	}
}

// memberPorts are those at which members reach its etcd; none, where this machine has no way to others.
func (p *plane) memberPorts() []string {
	p.t.Helper()
	var settings struct {
		Member struct{ PeerPort, ClientPort int }
	}
	text, err := os.ReadFile(p.inDir("settings.json"))
	if err == nil {
		err = json.Unmarshal(text, &settings)
	}
	if err != nil {
		p.t.Fatal(err)
	}
	if settings.Member.PeerPort == 0 {
		return nil
	}
	return []string{strconv.Itoa(settings.Member.PeerPort), strconv.Itoa(settings.Member.ClientPort)}
}

// listening are the addresses on which the instance's process accepts TCP connections.
func (p *plane) listening() []netip.AddrPort {
	p.t.Helper()
	pid := p.pid()
	sockets := map[string]bool{}
	descriptors, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil {
		p.t.Fatal(err)
	}
	for _, descriptor := range descriptors {
		if target, err := os.Readlink(descriptor); err == nil { // others close meanwhile
			sockets[strings.TrimSuffix(strings.TrimPrefix(target, "socket:["), "]")] = true
		}
	}
	var addresses []netip.AddrPort
	for _, table := range []string{"tcp", "tcp6"} {
		file, err := os.Open(fmt.Sprintf("/proc/%d/net/%s", pid, table))
		if err != nil {
			p.t.Fatal(err)
		}
		lines := bufio.NewScanner(file)
		for lines.Scan() {
			const local, state, inode, listen = 1, 3, 9, "0A"
			if fields := strings.Fields(lines.Text()); len(fields) > inode && fields[state] == listen && sockets[fields[inode]] {
				addresses = append(addresses, parseSocket(p.t, fields[local]))
			}
		}
		_ = file.Close() // read only
	}
	if len(addresses) == 0 {
		p.t.Fatal("it listens nowhere")
	}
	return addresses
}

// parseSocket reads an address as the kernel's tables write it: words of four bytes, each of them back to front.
func parseSocket(t *testing.T, text string) netip.AddrPort {
	t.Helper()
	host, port, _ := strings.Cut(text, ":")
	var raw []byte
	for i := 0; i+8 <= len(host); i += 8 {
		for j := 6; j >= 0; j -= 2 {
			b, err := strconv.ParseUint(host[i+j:i+j+2], 16, 8)
			if err != nil {
				t.Fatal(err)
			}
			raw = append(raw, byte(b))
		}
	}
	number, err := strconv.ParseUint(port, 16, 16)
	address, ok := netip.AddrFromSlice(raw)
	if err != nil || !ok {
		t.Fatalf("reading address %q: %v", text, err)
	}
	return netip.AddrPortFrom(address.Unmap(), uint16(number))
}

func TestOthersAreGivenAccessByNameForATime(t *testing.T) {
	address := outside(t)
	p := start(t, "--runtime", "simulated", "--bind-address", address, "--tls-san", "cp.example.com")
	authority := p.authority()
	if certificate := p.serving(); certificate.VerifyHostname("cp.example.com") != nil || certificate.VerifyHostname(address) != nil {
		t.Errorf("the certificate covers %v and %v", certificate.DNSNames, certificate.IPAddresses)
	}
	jane := filepath.Join(t.TempDir(), "jane")
	server := "https://" + net.JoinHostPort(address, p.port())
	p.orrery("kubeconfig", "--server", server, "--as-user", "jane", "--group", "dev", "--expires", "1h", "-o", jane)

	as := func(args ...string) (string, error) {
		return p.try(append([]string{"kubectl", "--kubeconfig", jane}, args...)...)
	}
	if out, err := as("get", "pods"); err == nil || !strings.Contains(err.Error(), `User "jane" cannot list`) {
		t.Errorf("before a role is bound to her jane gets %q, %v", out, err)
	}
	p.kubectl("create", "clusterrolebinding", "dev", "--clusterrole", "view", "--group", "dev")
	await.Success(t, "jane sees pods", func() error { _, err := as("get", "pods"); return err })
	if out, err := as("get", "secrets"); err == nil {
		t.Errorf("jane sees Secrets: %s", out)
	}

	p.orrery("down")
	p.up("--runtime", "simulated", "--bind-address", address)
	if certificate := p.serving(); slices.Contains(certificate.DNSNames, "cp.example.com") {
		t.Errorf("without the flag the certificate covers %v", certificate.DNSNames)
	}
	if p.authority() != authority {
		t.Error("the authority is another after a restart with other flags")
	}
	await.Success(t, "jane sees pods after the restart", func() error { _, err := as("get", "pods"); return err })
}

// outside is an address of this machine that is not a loopback one.
func outside(t *testing.T) string {
	t.Helper()
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range addresses {
		if prefix, err := netip.ParsePrefix(address.String()); err == nil && prefix.Addr().Is4() && prefix.Addr().IsGlobalUnicast() {
			return prefix.Addr().String()
		}
	}
	t.Skip("this machine has no address besides the loopback ones")
	return ""
}

func (p *plane) authority() string {
	p.t.Helper()
	content, err := os.ReadFile(p.inDir("apiserver", "pki", "ca.crt"))
	if err != nil {
		p.t.Fatal(err)
	}
	return string(content)
}

// serving is the certificate that the API server shows.
func (p *plane) serving() *x509.Certificate {
	p.t.Helper()
	content, err := os.ReadFile(p.inDir("apiserver", "pki", "apiserver.crt"))
	if err != nil {
		p.t.Fatal(err)
	}
	block, _ := pem.Decode(content)
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		p.t.Fatal(err)
	}
	return certificate
}

func TestTheKeyForSecretsIsRotatedAndMissedWhenItIsLost(t *testing.T) {
	t.Parallel()
	p := start(t, "--runtime", "simulated")
	key := p.inDir("apiserver", "encryption.yaml")
	p.kubectl("create", "secret", "generic", "voyage", "--from-literal=planet=saturn")
	before, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	p.orrery("secrets", "rotate-key")
	if after, err := os.ReadFile(key); err != nil || bytes.Equal(before, after) {
		t.Errorf("after the rotation the key is the same (%v)", err)
	}
	p.becomes("c2F0dXJu", "secret/voyage", "{.data.planet}")

	p.orrery("down")
	if err := os.Rename(key, key+".kept"); err != nil {
		t.Fatal(err)
	}
	said := p.fails("up", "--runtime", "simulated")
	if !strings.Contains(said, key) || !strings.Contains(said, "backup") || strings.Contains(said, "goroutine") || strings.Count(said, "\n") > 12 {
		t.Errorf("without the key it says\n%s", said)
	}
	if err := os.Rename(key+".kept", key); err != nil {
		t.Fatal(err)
	}
	p.up("--runtime", "simulated")
	p.becomes("c2F0dXJu", "secret/voyage", "{.data.planet}")
}

func TestMistakesAboutNetworkAndKeysAreExplained(t *testing.T) {
	t.Parallel()
	p := newPlane(t) // which none of them starts
	for name, c := range map[string]struct {
		args []string
		want []string
	}{
		"a flag of kube-apiserver that would be ignored": {[]string{"--apiserver-arg=--bind-address=0.0.0.0"}, []string{"--apiserver-arg", "use --bind-address"}},
		"a flag that kube-apiserver has not":             {[]string{"--apiserver-arg=--warp=9"}, []string{"--apiserver-arg", "--warp"}},
		"a file that is not there":                       {[]string{"--encryption-config", "none.yaml"}, []string{"--encryption-config", "none.yaml"}},
		"an address that is not this machine's":          {[]string{"--bind-address", "203.0.113.7"}, []string{"--bind-address 203.0.113.7", "0.0.0.0"}},
	} {
		t.Run(name, func(t *testing.T) {
			said := p.within(t).fails(append([]string{"up", "--runtime", "simulated"}, c.args...)...)
			for _, want := range c.want {
				if !strings.Contains(said, want) {
					t.Errorf("said %q, want it to contain %q", said, want)
				}
			}
			if lines := strings.Count(strings.TrimSpace(said), "\n") + 1; lines > 3 {
				t.Errorf("said %d lines, want one message:\n%s", lines, said)
			}
		})
	}
}

package dns

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/coredns/caddy/caddyfile"
)

// place is what a Corefile is translated for.
type place struct {
	// server is the number by which directives find their Server.
	server uint64
	// port is used instead of 53.
	port int
	// upstreams are used instead of /etc/resolv.conf.
	upstreams []string
}

// translate makes of a Corefile as users know it one that can be run in this process: it listens at our addresses alone, asks our
// API server, and reads nothing of the machine. Directives keep their lines, so that what CoreDNS says of one is right.
func translate(corefile string, p place) (string, error) {
	if err := selfContained(corefile); err != nil {
		return "", err
	}
	blocks, err := caddyfile.Parse("Corefile", strings.NewReader(corefile), known)
	if err != nil {
		return "", err
	}
	if len(blocks) == 0 {
		return "", errors.New("it has no server block")
	}
	var w writer
	for _, block := range blocks {
		if err := w.once(block, p); err != nil {
			return "", err
		}
		if err := w.block(block, p); err != nil {
			return "", err
		}
	}
	return w.String(), nil
}

// selfContained refuses what would bring files and the environment of this process into the Corefile: who may write it is not meant
// to read them.
func selfContained(corefile string) error {
	if strings.Contains(corefile, "{$") || strings.Contains(corefile, "{%") {
		return errors.New("it names a variable of the environment: write its value instead")
	}
	var snippets []string
	tokens := caddyfile.NewDispenser("Corefile", strings.NewReader(corefile))
	for tokens.Next() {
		switch word := tokens.Val(); {
		case snippetHead.MatchString(word):
			snippets = append(snippets, strings.Trim(word, "()"))
		case word == "import":
			if !tokens.NextArg() || !slices.Contains(snippets, tokens.Val()) {
				return fmt.Errorf("Corefile:%d - import: only snippets that are defined above, in the same Corefile, can be imported", tokens.Line()) //nolint:staticcheck // as CoreDNS says where
			}
		}
	}
	return nil
}

var snippetHead = regexp.MustCompile(`^\([A-Za-z0-9_-]+\)$`)

// writer writes a Corefile and knows in which line it is, and which zones it has written.
type writer struct {
	strings.Builder
	line  int
	zones []string
}

// once refuses a zone that there is twice, which CoreDNS would find out only when the one before has been stopped.
func (w *writer) once(b caddyfile.ServerBlock, p place) error {
	for _, key := range b.Keys {
		zone, err := p.key(key)
		if err != nil {
			return err
		}
		if zone = strings.ToLower(zone); slices.Contains(w.zones, zone) {
			return fmt.Errorf("server block %s is there twice", key)
		}
		w.zones = append(w.zones, zone)
	}
	return nil
}

func (w *writer) block(b caddyfile.ServerBlock, p place) error {
	for _, key := range b.Keys {
		translated, err := p.key(key)
		if err != nil {
			return err
		}
		w.WriteString(translated + " ")
	}
	fmt.Fprintf(w, "{ %s %d", listenDirective, p.server)
	directives := directivesOf(b)
	for _, directive := range directives {
		translated, err := p.directive(directive)
		if err != nil {
			return err
		}
		w.directive(translated)
	}
	w.WriteString("\n}\n")
	w.line += 2
	return nil
}

// directive writes the words of a directive, each in its line as far as that has not been passed.
func (w *writer) directive(words []caddyfile.Token) {
	for i, word := range words {
		switch {
		case i == 0 || word.Line != words[i-1].Line:
			breaks := max(1, word.Line-1-w.line)
			w.WriteString(strings.Repeat("\n", breaks))
			w.line += breaks
		default:
			w.WriteString(" ")
		}
		w.WriteString(quoted(word.Text))
		w.line += strings.Count(word.Text, "\n")
	}
}

// quoted is a word as the parser reads it.
func quoted(word string) string {
	if word != "" && !strings.ContainsAny(word, " \t\r\n\"#") {
		return word
	}
	return `"` + strings.ReplaceAll(word, `"`, `\"`) + `"`
}

// directivesOf are the directives of a block, each with its words, in the order of their lines.
func directivesOf(b caddyfile.ServerBlock) [][]caddyfile.Token {
	var all [][]caddyfile.Token
	for name, words := range b.Tokens {
		depth, start := 0, 0
		for i, word := range words {
			if i > start && depth == 0 && word.Text == name && word.Line != words[i-1].Line {
				all, start = append(all, words[start:i]), i
			}
			switch word.Text {
			case "{":
				depth++
			case "}":
				depth--
			}
		}
		all = append(all, words[start:])
	}
	slices.SortStableFunc(all, func(a, b []caddyfile.Token) int { return a[0].Line - b[0].Line })
	return all
}

var keyPort = regexp.MustCompile(`^(.*):([0-9]+)$`)

// key is what a server block is for, with the port where it is served. It is served as DNS and nothing else.
func (p place) key(key string) (string, error) {
	key = strings.TrimPrefix(key, "dns://")
	if transport, _, other := strings.Cut(key, "://"); other {
		return "", fmt.Errorf("server block %s: %s is not served here: want DNS, as in .:53", key, transport)
	}
	zone, port := key, "53"
	if parts := keyPort.FindStringSubmatch(key); parts != nil {
		zone, port = parts[1], parts[2]
	}
	if port == "53" {
		port = strconv.Itoa(p.port)
	}
	return zone + ":" + port, nil
}

package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const root = "../.."

var (
	// links are the targets of Markdown's links, without those of other sites and of places on the page itself.
	links = regexp.MustCompile(`\]\(([^)#:]+)(?:#[^)]*)?\)`)
	// files are paths in code that begin with one of the repository's folders.
	files = regexp.MustCompile("`((?:apis|apiserver|bench|config|controllers|envtest|examples|framework|hack|internal|network|nodeagent|scheduler|test|webhooks)/[\\w./-]*\\w)/?`")
)

// planned are paths that pages name as what a reader is about to write.
var planned = regexp.MustCompile(`housekeeping|^internal/(controller/website|webhook)/`)

// code are blocks of it, in which an index and a call look like a link.
var code = regexp.MustCompile("(?s)```.*?```")

func TestPagesSpeakOfWhatIsThere(t *testing.T) {
	pages, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil || len(pages) < 3 {
		t.Fatalf("there are %d pages: %v", len(pages), err)
	}
	for _, page := range append(pages, filepath.Join(root, "README.md"), filepath.Join(root, "CONTRIBUTING.md")) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, link := range links.FindAllStringSubmatch(code.ReplaceAllString(string(text), ""), -1) {
			exists(t, page, filepath.Join(filepath.Dir(page), link[1]))
		}
		for _, file := range files.FindAllStringSubmatch(string(text), -1) {
			if !planned.MatchString(file[1]) {
				exists(t, page, filepath.Join(root, file[1]))
			}
		}
	}
}

func exists(t *testing.T, page, path string) {
	t.Helper()
	if _, err := os.Stat(path); err != nil {
		t.Errorf("%s speaks of %s, which is not there", strings.TrimPrefix(page, root+"/"), strings.TrimPrefix(path, root+"/"))
	}
}

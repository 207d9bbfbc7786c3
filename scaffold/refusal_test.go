package scaffold

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWhatIsWrongIsSaidWithWhatToDo(t *testing.T) {
	website := []string{"--domain", "example.org", "--repo", "example.org/website", "--fetch-deps=false", "--orrery-source", absolute(t, checkout)}
	project := newProject(t)
	do(t, project, CreateAPI(), kind("Website")...)
	withWebsite := read(t, project)
	for _, test := range []struct {
		name    string
		files   map[string]string // nil means a project with the kind Website
		command Command
		args    []string
		want    []string
	}{
		{"a folder that is not empty", map[string]string{"notes.txt": "mine"}, Init(), website, []string{"holds notes.txt", "new folder"}},
		{"a project that is there", map[string]string{"PROJECT": "version: \"3\"\n"}, Init(), website, []string{"project here already", "orrery create api"}},
		{"a name that is no DNS label", map[string]string{}, Init(), append(website, "--project-name", "My_Site"), []string{`"My_Site" is no DNS label`, "--project-name"}},
		{"a domain that is none", map[string]string{}, Init(), append(website, "--domain", "example_org"), []string{`--domain "example_org"`}},
		{"a plugin that nobody knows", map[string]string{}, Init(), append(website, "--plugins", "java/v1"), []string{"--plugins java/v1", Key, "kubebuilder edit --plugins"}},
		{"another version of the PROJECT file", map[string]string{}, Init(), append(website, "--project-version", "2"), []string{"--project-version 2", "only 3"}},
		{"no name for the module", map[string]string{}, Init(), []string{"--domain", "example.org", "--project-name", "site"}, []string{"no go.mod", "--repo example.org/site"}},
		{"a checkout that is none", map[string]string{}, Init(), append(website, "--orrery-source", "/nowhere"), []string{"--orrery-source /nowhere", "no checkout"}},
		{"a checkout of something else", map[string]string{"go.mod": "module example.org/website\n"}, Init(), append(website, "--orrery-source", "."), []string{"of another module"}},
		{"no project", map[string]string{}, CreateAPI(), kind("Website"), []string{"no PROJECT file", "orrery init"}},
		{"a project of another version", map[string]string{"PROJECT": "version: \"2\"\n"}, CreateAPI(), kind("Website"), []string{"version 2", "kubebuilder alpha generate"}},
		{"a project of another layout", map[string]string{"PROJECT": "domain: example.org\nlayout:\n- helm.sdk.operatorframework.io/v1\nprojectName: x\nversion: \"3\"\n"}, CreateAPI(), kind("Website"), []string{"layout \"helm.sdk.operatorframework.io/v1\"", Layout}},
		{"a kind that is there", nil, CreateAPI(), kind("Website"), []string{"kind Website of web.example.org/v1 is there already", "--force"}},
		{"a kind in small letters", nil, CreateAPI(), kind("page"), []string{"did you mean Page?"}},
		{"a kind that is no DNS label", nil, CreateAPI(), kind("Web_Page"), []string{`--kind "Web_Page" is no DNS label`}},
		{"no kind", nil, CreateAPI(), []string{"--group", "web", "--version", "v1"}, []string{"--kind is missing"}},
		{"no version", nil, CreateAPI(), []string{"--group", "web", "--kind", "Page"}, []string{"--version is missing"}},
		{"a version that is none", nil, CreateAPI(), []string{"--group", "web", "--version", "1.0", "--kind", "Page"}, []string{`--version "1.0"`}},
		{"a second group", nil, CreateAPI(), []string{"--group", "shop", "--version", "v1", "--kind", "Cart"}, []string{`group "shop" is a second one`, "orrery edit --multigroup"}},
		{"webhooks of no sort", nil, CreateWebhook(), kind("Website"), []string{"--defaulting"}},
		{"webhooks for a kind that is not there", nil, CreateWebhook(), kind("Page", "--defaulting"), []string{"Page", "create api"}},
		{"the deletion of a kind that is not there", nil, DeleteAPI(), kind("Page"), []string{"kind Page of web.example.org/v1 is none of this project"}},
		{"the deletion of webhooks that are not there", nil, DeleteWebhook(), kind("Website"), []string{"has no webhooks"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			if test.files == nil {
				if err := withWebsite.Write(dir); err != nil {
					t.Fatal(err)
				}
			}
			for path, content := range test.files {
				write(t, dir, path, content)
			}
			before := read(t, dir)
			_, err := try(t, dir, test.command, test.args...)
			if err == nil {
				t.Fatal("it was not refused")
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("it was refused with %q, want that to say %q", err, want)
				}
			}
			if diff := cmp.Diff(before, read(t, dir)); diff != "" {
				t.Errorf("the folder has changed (-before +after):\n%s", diff)
			}
		})
	}
}

func TestWhatFailsAtItsEndLeavesTheProjectAsItWas(t *testing.T) {
	dir := newProject(t)
	write(t, dir, "Makefile", "manifests:\n\t@echo a type is wrong; exit 3\ngenerate:\n")
	before := read(t, dir)
	_, err := try(t, dir, CreateAPI(), "--group", "web", "--version", "v1", "--kind", "Website")
	if err == nil || !strings.Contains(err.Error(), "running make manifests generate") || !strings.Contains(err.Error(), "a type is wrong") {
		t.Errorf("got %v, want what make said", err)
	}
	if diff := cmp.Diff(before, read(t, dir)); diff != "" {
		t.Errorf("the project has changed (-before +after):\n%s", diff)
	}
}

func TestAWorkspaceAroundTheProjectDoesNotMatter(t *testing.T) {
	dir := newProject(t)
	write(t, filepath.Dir(dir), "go.work", "go 1.26.0\n\nuse ./website\n")
	write(t, dir, "Makefile", "manifests:\n\tgo list -f {{.ImportPath}} ./... > packages\ngenerate:\n")
	do(t, dir, CreateAPI(), "--group", "web", "--version", "v1", "--kind", "Website")
	if text := read(t, dir)["packages"].Content; !strings.Contains(text, "example.org/website/api/v1\n") {
		t.Errorf("the packages of the project are\n%s", text)
	}
}

func TestAVersionThatNobodyCanDownloadIsNotRequired(t *testing.T) {
	for _, number := range []string{"devel", "v0.0.0-devel", "v0.1.0-3-gabcdef", "(devel)"} {
		if err := requireReleased(nil, number); err == nil || !strings.Contains(err.Error(), "--orrery-source") {
			t.Errorf("%s: got %v, want that it is refused", number, err)
		}
	}
}

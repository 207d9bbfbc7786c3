package controllers

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/orrery-dev/orrery/apis"
	cloudnames "k8s.io/cloud-provider/names"
)

// kubeControllerManager is where upstream's table is.
const kubeControllerManager = "k8s.io/kubernetes/cmd/kube-controller-manager"

// parsed are the files of a package of upstream's, without its tests.
func parsed(t *testing.T, path string) []*ast.File {
	t.Helper()
	out, err := exec.Command("go", "list", "-e", "-f", `{{range .GoFiles}}{{$.Dir}}/{{.}} {{end}}`, path).Output()
	if err != nil {
		t.Fatalf("looking for %s: %v", path, err)
	}
	var files []*ast.File
	for _, name := range strings.Fields(string(out)) {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return files
}

// upstreamNames are the controllers of upstream's package names, by the names of their constants.
func upstreamNames(t *testing.T) map[string]string {
	t.Helper()
	names := map[string]string{}
	for _, file := range parsed(t, kubeControllerManager+"/names") {
		ast.Inspect(file, func(node ast.Node) bool {
			if spec, ok := node.(*ast.ValueSpec); ok {
				names[spec.Names[0].Name] = text(t, spec.Values[0])
			}
			return true
		})
	}
	return names
}

// upstreamTable is upstream's table of descriptors, as far as ours says the same.
func upstreamTable(t *testing.T) []upstream {
	t.Helper()
	names := upstreamNames(t)
	var table []upstream
	for _, file := range parsed(t, kubeControllerManager+"/app") {
		ast.Inspect(file, func(node ast.Node) bool {
			if literal, ok := node.(*ast.CompositeLit); ok {
				if kind, ok := literal.Type.(*ast.Ident); ok && kind.Name == "ControllerDescriptor" {
					table = append(table, descriptor(t, literal, names))
				}
			}
			return true
		})
	}
	slices.SortFunc(table, func(a, b upstream) int { return strings.Compare(a.name, b.name) })
	return table
}

func descriptor(t *testing.T, literal *ast.CompositeLit, names map[string]string) upstream {
	t.Helper()
	var u upstream
	for _, element := range literal.Elts {
		field := element.(*ast.KeyValueExpr)
		switch field.Key.(*ast.Ident).Name {
		case "name":
			u.name = names[field.Value.(*ast.SelectorExpr).Sel.Name]
		case "aliases":
			aliases := field.Value.(*ast.CompositeLit).Elts
			if len(aliases) != 1 {
				t.Errorf("%s has %d aliases, and our table has room for one", u.name, len(aliases))
			}
			u.alias = text(t, aliases[0])
		case "isDisabledByDefault":
			u.off = true
		}
	}
	return u
}

func text(t *testing.T, literal ast.Expr) string {
	t.Helper()
	value, err := strconv.Unquote(literal.(*ast.BasicLit).Value)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func TestControllersHaveUpstreamsNamesAliasesAndDefaults(t *testing.T) {
	if diff := cmp.Diff(slices.Sorted(maps.Values(upstreamNames(t))), slices.Sorted(func(yield func(string) bool) {
		for _, u := range upstreams {
			yield(u.name)
		}
	})); diff != "" {
		t.Errorf("names of upstream's (-) and ours (+):\n%s", diff)
	}
	ours := slices.Clone(upstreams)
	for i := range ours {
		ours[i].and, ours[i].absent = "", ""
	}
	if diff := cmp.Diff(upstreamTable(t), ours, cmp.AllowUnexported(upstream{})); diff != "" {
		t.Errorf("upstream's table (-) and ours (+):\n%s", diff)
	}
}

// IsUpstreams says whether the loop of an entry does what a controller of Kubernetes does, or a part of it.
func IsUpstreams(e Entry) bool {
	_, ok := upstreamOf(e.Loop.Name())
	return ok
}

func TestEveryControllerOfUpstreamsIsALoopHereOrSaysWhatIsMissing(t *testing.T) {
	loops := loopNames()
	for _, u := range upstreams {
		has := slices.Contains(loops, u.name)
		if has == (u.absent != "") {
			t.Errorf("%s: that there is a loop of its name is %t, and what is missing without it is %q: want one of the two", u.name, has, u.absent)
		}
		if u.and != "" && !slices.Contains(loops, u.and) {
			t.Errorf("%s: there is no loop %s", u.name, u.and)
		}
	}
	for _, e := range All(Options{}) {
		if kind, ok := decidesFor(e.Loop); ok && apis.Orrery.GroupKind(kind) == apis.Kubernetes.GroupKind(kind) && strings.HasSuffix(kind.Group, ".orrery.dev") {
			continue // Kubernetes does not have the kind either
		}
		if !IsUpstreams(e) {
			t.Errorf("%s is the name of no controller of kube-controller-manager or cloud-controller-manager, nor a part of one", e.Loop.Name())
		}
	}
	for _, u := range clouds {
		if !slices.Contains(loops, u.name) {
			t.Errorf("there is no loop %s", u.name)
		}
	}
}

func TestControllersOfACloudHaveItsNamesAndAliases(t *testing.T) {
	aliases := cloudnames.CCMControllerAliases()
	for _, u := range clouds {
		if aliases[u.alias] != u.name {
			t.Errorf("cloud-controller-manager calls %s %q, want %q", u.alias, aliases[u.alias], u.name)
		}
	}
}

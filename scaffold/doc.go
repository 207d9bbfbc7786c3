// Package scaffold makes projects of one's own kinds and loops: orrery init, create api, create webhook, edit, delete api, delete
// webhook and update.
//
// A project is one of kubebuilder's: its plugins write the tree, with the same flags, PROJECT file, make targets and markers, and
// kubebuilder itself goes on working in it. [Plugin] is those and ours after them: it puts the loop of a kind into a room of its own, in the
// shape that docs/adding-a-kind.md describes, with tests on packages looptest and envtest, and lets `make test` download nothing
// but Go modules. With --plain the controller is kubebuilder's own, and only its suite runs on envtest of this module.
//
// # What it promises
//
//   - All or nothing: a command works on a copy of the project, and what came of that is written when the command has succeeded,
//     with all that it runs (go mod tidy, make). Until then the project is not touched.
//   - What a command would write can be had as data, without writing it: [Run] returns changes, Apply makes them.
//   - Deleting is creating backwards: what create would have written is computed anew, and taken out where it stands word for
//     word. A file that was edited is not deleted unless that is forced, and lines that were edited are left and named.
//   - What commands write is recorded in the project, in .orrery. So [Update] replaces what nobody edited by what this version
//     writes, and merges it into what somebody did, without the program of the version that wrote it.
//   - In Orrery itself, create api adds a kind of Orrery's own, a loop or both in the shape of docs/adding-a-kind.md. The other
//     commands refuse to work there.
//
// # What it never does
//
// It overwrites nothing that was edited unless --force says so, but for a go.mod that init finds, of which it keeps the module's name.
// It keeps nothing about a project but in its PROJECT file and in .orrery, and asks nothing: there is a flag for every choice.
//
// Templates are the files in the folder templates, readable as what they make. Since kubebuilder's plugins read some files by
// paths relative to the working directory, [Run] changes that of the process for as long as it takes.
package scaffold

// Package updates starts runs that people ask for while they look at the page. Each is a process of this program, so that sound and
// model live and die outside the page's; it takes the lock that every run takes, and says on its standard output how far it is:
// package updates has both ends of that, the Reporter in the run and Updates in the page.
package updates

module virt-sev.example/sevapply

go 1.19

_virt-sev() {
    local i cur prev opts cmd
    COMPREPLY=()
    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
        cur="$2"
    else
        cur="${COMP_WORDS[COMP_CWORD]}"
    fi
    prev="$3"
    cmd=""
    opts=""

    for i in "${COMP_WORDS[@]:0:COMP_CWORD}"
    do
        case "${cmd},${i}" in
            ",$1")
                cmd="virt__sev"
                ;;
            virt__sev,apply)
                cmd="virt__sev__apply"
                ;;
            virt__sev,chain)
                cmd="virt__sev__chain"
                ;;
            virt__sev,check)
                cmd="virt__sev__check"
                ;;
            virt__sev,define)
                cmd="virt__sev__define"
                ;;
            virt__sev,digest)
                cmd="virt__sev__digest"
                ;;
            virt__sev,explain)
                cmd="virt__sev__explain"
                ;;
            virt__sev,firmware)
                cmd="virt__sev__firmware"
                ;;
            virt__sev,generate)
                cmd="virt__sev__generate"
                ;;
            virt__sev,hook)
                cmd="virt__sev__hook"
                ;;
            virt__sev,host)
                cmd="virt__sev__host"
                ;;
            virt__sev,keys)
                cmd="virt__sev__keys"
                ;;
            virt__sev,launch)
                cmd="virt__sev__launch"
                ;;
            virt__sev,lint)
                cmd="virt__sev__lint"
                ;;
            virt__sev,measurement)
                cmd="virt__sev__measurement"
                ;;
            virt__sev,secret)
                cmd="virt__sev__secret"
                ;;
            virt__sev,session)
                cmd="virt__sev__session"
                ;;
            virt__sev,snp)
                cmd="virt__sev__snp"
                ;;
            virt__sev,verify)
                cmd="virt__sev__verify"
                ;;
            virt__sev__chain,fetch)
                cmd="virt__sev__chain__fetch"
                ;;
            virt__sev__chain,verify)
                cmd="virt__sev__chain__verify"
                ;;
            virt__sev__firmware,inspect)
                cmd="virt__sev__firmware__inspect"
                ;;
            virt__sev__firmware,list)
                cmd="virt__sev__firmware__list"
                ;;
            virt__sev__hook,install)
                cmd="virt__sev__hook__install"
                ;;
            virt__sev__hook,remove)
                cmd="virt__sev__hook__remove"
                ;;
            virt__sev__secret,build)
                cmd="virt__sev__secret__build"
                ;;
            virt__sev__secret,inject)
                cmd="virt__sev__secret__inject"
                ;;
            virt__sev__snp,id-block)
                cmd="virt__sev__snp__id__block"
                ;;
            virt__sev__snp,report)
                cmd="virt__sev__snp__report"
                ;;
            *)
                ;;
        esac
    done

    case "${cmd}" in
        virt__sev)
            opts="-c -q -v -h -V --connect --format --quiet --verbose --color --help --version keys apply lint explain generate host check define launch measurement chain session verify digest firmware secret hook snp"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 1 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --connect)
                    COMPREPLY=()
                    return 0
                    ;;
                -c)
                    COMPREPLY=()
                    return 0
                    ;;
                --format)
                    COMPREPLY=($(compgen -W "text json md sarif prometheus" -- "${cur}"))
                    return 0
                    ;;
                --color)
                    COMPREPLY=($(compgen -W "auto always never" -- "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        virt__sev__apply)
            opts="-i -o -c -q -v -h --config --config-format --set --no-metadata --record --skip --in-place --output --check --diff --explain --domcaps --host-root --connect --format --quiet --verbose --color --help [DOMAIN.xml]"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --config)
                    COMPREPLY=()
                    return 0
                    ;;
                --config-format)
                    COMPREPLY=($(compgen -W "auto lxd kubevirt nova proxmox metadata" -- "${cur}"))
                    return 0
                    ;;
                --set)
                    COMPREPLY=()
                    return 0
                    ;;
                --skip)
                    COMPREPLY=()
                    return 0
                    ;;
                --output)
                    COMPREPLY=()
                    return 0
                    ;;
                -o)
                    COMPREPLY=()
                    return 0
                    ;;
                --domcaps)
                    COMPREPLY=()
                    return 0
                    ;;
                --host-root)
                    COMPREPLY=()
                    return 0
                    ;;
                --connect)
                    COMPREPLY=()
                    return 0
                    ;;
                -c)
                    COMPREPLY=()
                    return 0
                    ;;
                --format)
                    COMPREPLY=($(compgen -W "text json md sarif prometheus" -- "${cur}"))
                    return 0
                    ;;
                --color)
                    COMPREPLY=($(compgen -W "auto always never" -- "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        virt__sev__chain)
            opts="-c -q -v -h --connect --format --quiet --verbose --color --help fetch verify"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --connect)
                    COMPREPLY=()
                    return 0
                    ;;
                -c)
                    COMPREPLY=()
                    return 0
                    ;;
                --format)
                    COMPREPLY=($(compgen -W "text json md sarif prometheus" -- "${cur}"))
                    return 0
                    ;;
                --color)
                    COMPREPLY=($(compgen -W "auto always never" -- "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        virt__sev__chain__fetch)
            opts="-o -c -q -v -h --output --ca --cek --fetch --cek-url --chip-id --timeout --connect --format --quiet --verbose --color --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --output)
                    COMPREPLY=()
                    return 0
                    ;;
                -o)
                    COMPREPLY=()
                    return 0
                    ;;
                --ca)
                    COMPREPLY=()
                    return 0
                    ;;
                --cek)
                    COMPREPLY=()
                    return 0
                    ;;
                --cek-url)
                    COMPREPLY=()
                    return 0
                    ;;
                --chip-id)
                    COMPREPLY=()
                    return 0
                    ;;
                --timeout)
                    COMPREPLY=()
                    return 0
                    ;;
                --connect)
                    COMPREPLY=()
                    return 0
                    ;;
                -c)
                    COMPREPLY=()
                    return 0
                    ;;
                --format)
                    COMPREPLY=($(compgen -W "text json md sarif prometheus" -- "${cur}"))
                    return 0
                    ;;
                --color)
                    COMPREPLY=($(compgen -W "auto always never" -- "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        virt__sev__chain__verify)
            opts="-c -q -v -h --ca --cek --fetch --cek-url --chip-id --timeout --connect --format --quiet --verbose --color --help <FILE>..."
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --ca)
                    COMPREPLY=()
                    return 0
                    ;;
                --cek)
                    COMPREPLY=()
                    return 0
                    ;;
                --cek-url)
                    COMPREPLY=()
                    return 0
                    ;;
                --chip-id)
                    COMPREPLY=()
                    return 0
                    ;;
                --timeout)
                    COMPREPLY=()
                    return 0
                    ;;
                --connect)
                    COMPREPLY=()
                    return 0
                    ;;
                -c)
                    COMPREPLY=()
                    return 0
                    ;;
                --format)
                    COMPREPLY=($(compgen -W "text json md sarif prometheus" -- "${cur}"))
                    return 0
                    ;;
                --color)
                    COMPREPLY=($(compgen -W "auto always never" -- "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        virt__sev__check)
            opts="-c -q -v -h --config --config-format --set --no-metadata --skip --host-root --injects-secret --timeout --record --connect --format --quiet --verbose --color --help <DOMAIN>"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --config)
                    COMPREPLY=()
                    return 0
                    ;;
                --config-format)
                    COMPREPLY=($(compgen -W "auto lxd kubevirt nova proxmox metadata" -- "${cur}"))
                    return 0
                    ;;
                --set)
                    COMPREPLY=()
                    return 0
                    ;;
                --skip)
                    COMPREPLY=()
                    return 0
                    ;;
                --host-root)
                    COMPREPLY=()
                    return 0
                    ;;
                --timeout)
                    COMPREPLY=()
                    return 0
                    ;;
                --connect)
                    COMPREPLY=()
                    return 0
                    ;;
                -c)
                    COMPREPLY=()
                    return 0
                    ;;
                --format)
                    COMPREPLY=($(compgen -W "text json md sarif prometheus" -- "${cur}"))
                    return 0
                    ;;
                --color)
                    COMPREPLY=($(compgen -W "auto always never" -- "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        virt__sev__define)
            opts="-c -q -v -h --config --config-format --set --no-metadata --record --skip --timeout --connect --format --quiet --verbose --color --help <DOMAIN.xml>"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --config)
                    COMPREPLY=()
                    return 0
                    ;;
                --config-format)
                    COMPREPLY=($(compgen -W "auto lxd kubevirt nova proxmox metadata" -- "${cur}"))
                    return 0
                    ;;
                --set)
                    COMPREPLY=()
                    return 0
                    ;;
                --skip)
                    COMPREPLY=()
                    return 0
                    ;;
                --timeout)
                    COMPREPLY=()
                    return 0
                    ;;
                --connect)
                    COMPREPLY=()
                    return 0
                    ;;
                -c)
                    COMPREPLY=()
                    return 0
                    ;;
                --format)
                    COMPREPLY=($(compgen -W "text json md sarif prometheus" -- "${cur}"))
                    return 0
                    ;;
                --color)
                    COMPREPLY=($(compgen -W "auto always never" -- "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        virt__sev__digest)
            opts="-f -k -r -e -n -0 -1 -c -q -v -h --mode --firmware --kernel --initrd --cmdline --num-cpus --vmsa-cpu0 --vmsa-cpu1 --vcpu-type --vcpu-sig --cpu-family --cpu-model --cpu-stepping --guest-features --legacy-vm-type --snp-ovmf-hash --save-vmsa --output-format --connect --format --quiet --verbose --color --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --mode)
                    COMPREPLY=($(compgen -W "sev sev-es snp snp:ovmf-hash" -- "${cur}"))
                    return 0
                    ;;
                --firmware)
                    COMPREPLY=()
                    return 0
                    ;;
                -f)
                    COMPREPLY=()
                    return 0
                    ;;
                --kernel)
                    COMPREPLY=()
                    return 0
                    ;;
                -k)
                    COMPREPLY=()
                    return 0
                    ;;
                --initrd)
                    COMPREPLY=()
                    return 0
                    ;;
                -r)
                    COMPREPLY=()
                    return 0
                    ;;
                --cmdline)
                    COMPREPLY=()
                    return 0
                    ;;
                -e)
                    COMPREPLY=()
                    return 0
                    ;;
                --num-cpus)
                    COMPREPLY=()
                    return 0
                    ;;
                -n)
                    COMPREPLY=()
                    return 0
                    ;;
                --vmsa-cpu0)
                    COMPREPLY=()
                    return 0
                    ;;
                -0)
                    COMPREPLY=()
                    return 0
                    ;;
                --vmsa-cpu1)
                    COMPREPLY=()
                    return 0
                    ;;
                -1)
                    COMPREPLY=()
                    return 0
                    ;;
                --vcpu-type)
                    COMPREPLY=()
                    return 0
                    ;;
                --vcpu-sig)
                    COMPREPLY=()
                    return 0
                    ;;
                --cpu-family)
                    COMPREPLY=()
                    return 0
                    ;;
                --cpu-model)
                    COMPREPLY=()
                    return 0
                    ;;
                --cpu-stepping)
                    COMPREPLY=()
                    return 0
                    ;;
                --guest-features)
                    COMPREPLY=()
                    return 0
                    ;;
                --legacy-vm-type)
                    COMPREPLY=($(compgen -W "on off" -- "${cur}"))
                    return 0
                    ;;
                --snp-ovmf-hash)
                    COMPREPLY=()
                    return 0
                    ;;
                --save-vmsa)
                    COMPREPLY=()
                    return 0
                    ;;
                --output-format)
                    COMPREPLY=($(compgen -W "hex base64" -- "${cur}"))
                    return 0
                    ;;
                --connect)
                    COMPREPLY=()
                    return 0
                    ;;
                -c)
                    COMPREPLY=()
                    return 0
                    ;;
                --format)
                    COMPREPLY=($(compgen -W "text json md sarif prometheus" -- "${cur}"))
                    return 0
                    ;;
                --color)
                    COMPREPLY=($(compgen -W "auto always never" -- "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        virt__sev__explain)
            opts="-c -q -v -h --list --list-messages --connect --format --quiet --verbose --color --help [WHAT]..."
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --connect)
                    COMPREPLY=()
                    return 0
                    ;;
                -c)
                    COMPREPLY=()
                    return 0
                    ;;
                --format)
                    COMPREPLY=($(compgen -W "text json md sarif prometheus" -- "${cur}"))
                    return 0
                    ;;
                --color)
                    COMPREPLY=($(compgen -W "auto always never" -- "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        virt__sev__firmware)
            opts="-c -q -v -h --connect --format --quiet --verbose --color --help list inspect"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --connect)
                    COMPREPLY=()
                    return 0
                    ;;
                -c)
                    COMPREPLY=()
                    return 0
                    ;;
                --format)
                    COMPREPLY=($(compgen -W "text json md sarif prometheus" -- "${cur}"))
                    return 0
                    ;;
                --color)
                    COMPREPLY=($(compgen -W "auto always never" -- "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        virt__sev__firmware__inspect)
            opts="-c -q -v -h --connect --format --quiet --verbose --color --help <FILE>"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --connect)
                    COMPREPLY=()
                    return 0
                    ;;
                -c)
                    COMPREPLY=()
                    return 0
                    ;;
                --format)
                    COMPREPLY=($(compgen -W "text json md sarif prometheus" -- "${cur}"))
                    return 0
                    ;;
                --color)
                    COMPREPLY=($(compgen -W "auto always never" -- "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        virt__sev__firmware__list)
            opts="-c -q -v -h --host-root --connect --format --quiet --verbose --color --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --host-root)
                    COMPREPLY=()
                    return 0
                    ;;
                --connect)
                    COMPREPLY=()
                    return 0
                    ;;
                -c)
                    COMPREPLY=()
                    return 0
                    ;;
                --format)
                    COMPREPLY=($(compgen -W "text json md sarif prometheus" -- "${cur}"))
                    return 0
                    ;;
                --color)
                    COMPREPLY=($(compgen -W "auto always never" -- "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        virt__sev__generate)
            opts="-o -c -q -v -h --memory --vcpus --disk --network --kernel --initrd --cmdline --cloud-init --cpu --numa --hugepages --tpm --vsock --uuid --template --template-dir --list --output --config --config-format --set --no-metadata --record --skip --domcaps --host-root --connect --format --quiet --verbose --color --help [NAME]"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --memory)
                    COMPREPLY=()
                    return 0
                    ;;
                --vcpus)
                    COMPREPLY=()
                    return 0
                    ;;
                --disk)
                    COMPREPLY=()
                    return 0
                    ;;
                --network)
                    COMPREPLY=()
                    return 0
                    ;;
                --kernel)
                    COMPREPLY=()
                    return 0
                    ;;
                --initrd)
                    COMPREPLY=()
                    return 0
                    ;;
                --cmdline)
                    COMPREPLY=()
                    return 0
                    ;;
                --cloud-init)
                    COMPREPLY=()
                    return 0
                    ;;
                --cpu)
                    COMPREPLY=()
                    return 0
                    ;;
                --numa)
                    COMPREPLY=()
                    return 0
                    ;;
                --hugepages)
                    COMPREPLY=()
                    return 0
                    ;;
                --uuid)
                    COMPREPLY=()
                    return 0
                    ;;
                --template)
                    COMPREPLY=()
                    return 0
                    ;;
                --template-dir)
                    COMPREPLY=()
                    return 0
                    ;;
                --output)
                    COMPREPLY=()
                    return 0
                    ;;
                -o)
                    COMPREPLY=()
                    return 0
                    ;;
                --config)
                    COMPREPLY=()
                    return 0
                    ;;
                --config-format)
                    COMPREPLY=($(compgen -W "auto lxd kubevirt nova proxmox metadata" -- "${cur}"))
                    return 0
                    ;;
                --set)
                    COMPREPLY=()
                    return 0
                    ;;
                --skip)
                    COMPREPLY=()
                    return 0
                    ;;
                --domcaps)
                    COMPREPLY=()
                    return 0
                    ;;
                --host-root)
                    COMPREPLY=()
                    return 0
                    ;;
                --connect)
                    COMPREPLY=()
                    return 0
                    ;;
                -c)
                    COMPREPLY=()
                    return 0
                    ;;
                --format)
                    COMPREPLY=($(compgen -W "text json md sarif prometheus" -- "${cur}"))
                    return 0
                    ;;
                --color)
                    COMPREPLY=($(compgen -W "auto always never" -- "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        virt__sev__hook)
            opts="-c -q -v -h --connect --format --quiet --verbose --color --help install remove"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --connect)
                    COMPREPLY=()
                    return 0
                    ;;
                -c)
                    COMPREPLY=()
                    return 0
                    ;;
                --format)
                    COMPREPLY=($(compgen -W "text json md sarif prometheus" -- "${cur}"))
                    return 0
                    ;;
                --color)
                    COMPREPLY=($(compgen -W "auto always never" -- "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        virt__sev__hook__install)
            opts="-c -q -v -h --dir --connect --format --quiet --verbose --color --help libvirt vdsm"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --dir)
                    COMPREPLY=()
                    return 0
                    ;;
                --connect)
                    COMPREPLY=()
                    return 0
                    ;;
                -c)
                    COMPREPLY=()
                    return 0
                    ;;
                --format)
                    COMPREPLY=($(compgen -W "text json md sarif prometheus" -- "${cur}"))
                    return 0
                    ;;
                --color)
                    COMPREPLY=($(compgen -W "auto always never" -- "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        virt__sev__hook__remove)
            opts="-c -q -v -h --dir --connect --format --quiet --verbose --color --help libvirt vdsm"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --dir)
                    COMPREPLY=()
                    return 0
                    ;;
                --connect)
                    COMPREPLY=()
                    return 0
                    ;;
                -c)
                    COMPREPLY=()
                    return 0
                    ;;
                --format)
                    COMPREPLY=($(compgen -W "text json md sarif prometheus" -- "${cur}"))
                    return 0
                    ;;
                --color)
                    COMPREPLY=($(compgen -W "auto always never" -- "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        virt__sev__host)
            opts="-c -q -v -h --domcaps --host-root --collect --timeout --connect --format --quiet --verbose --color --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --domcaps)
                    COMPREPLY=()
                    return 0
                    ;;
                --host-root)
                    COMPREPLY=()
                    return 0
                    ;;
                --collect)
                    COMPREPLY=()
                    return 0
                    ;;
                --timeout)
                    COMPREPLY=()
                    return 0
                    ;;
                --connect)
                    COMPREPLY=()
                    return 0
                    ;;
                -c)
                    COMPREPLY=()
                    return 0
                    ;;
                --format)
                    COMPREPLY=($(compgen -W "text json md sarif prometheus" -- "${cur}"))
                    return 0
                    ;;
                --color)
                    COMPREPLY=($(compgen -W "auto always never" -- "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        virt__sev__keys)
            opts="-c -q -v -h --convert --config-format --connect --format --quiet --verbose --color --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --convert)
                    COMPREPLY=()
                    return 0
                    ;;
                --config-format)
                    COMPREPLY=($(compgen -W "auto lxd kubevirt nova proxmox metadata" -- "${cur}"))
                    return 0
                    ;;
                --connect)
                    COMPREPLY=()
                    return 0
                    ;;
                -c)
                    COMPREPLY=()
                    return 0
                    ;;
                --format)
                    COMPREPLY=($(compgen -W "text json md sarif prometheus" -- "${cur}"))
                    return 0
                    ;;
                --color)
                    COMPREPLY=($(compgen -W "auto always never" -- "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        virt__sev__launch)
            opts="-f -k -r -e -n -0 -1 -i -s -m -c -q -v -h --evidence --timeout --recover --config --config-format --set --no-metadata --record --skip --api-major --api-minor --build-id --policy --firmware --kernel --initrd --cmdline --num-cpus --vmsa-cpu0 --vmsa-cpu1 --vcpu-type --vcpu-sig --cpu-family --cpu-model --cpu-stepping --guest-features --legacy-vm-type --tik --tek --tk --insecure --policy-file --inject-secret --measurement --connect --format --quiet --verbose --color --help [DOMAIN]"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --evidence)
                    COMPREPLY=()
                    return 0
                    ;;
                --timeout)
                    COMPREPLY=()
                    return 0
                    ;;
                --config)
                    COMPREPLY=()
                    return 0
                    ;;
                --config-format)
                    COMPREPLY=($(compgen -W "auto lxd kubevirt nova proxmox metadata" -- "${cur}"))
                    return 0
                    ;;
                --set)
                    COMPREPLY=()
                    return 0
                    ;;
                --skip)
                    COMPREPLY=()
                    return 0
                    ;;
                --api-major)
                    COMPREPLY=()
                    return 0
                    ;;
                --api-minor)
                    COMPREPLY=()
                    return 0
                    ;;
                --build-id)
                    COMPREPLY=()
                    return 0
                    ;;
                --policy)
                    COMPREPLY=()
                    return 0
                    ;;
                --firmware)
                    COMPREPLY=()
                    return 0
                    ;;
                -f)
                    COMPREPLY=()
                    return 0
                    ;;
                --kernel)
                    COMPREPLY=()
                    return 0
                    ;;
                -k)
                    COMPREPLY=()
                    return 0
                    ;;
                --initrd)
                    COMPREPLY=()
                    return 0
                    ;;
                -r)
                    COMPREPLY=()
                    return 0
                    ;;
                --cmdline)
                    COMPREPLY=()
                    return 0
                    ;;
                -e)
                    COMPREPLY=()
                    return 0
                    ;;
                --num-cpus)
                    COMPREPLY=()
                    return 0
                    ;;
                -n)
                    COMPREPLY=()
                    return 0
                    ;;
                --vmsa-cpu0)
                    COMPREPLY=()
                    return 0
                    ;;
                -0)
                    COMPREPLY=()
                    return 0
                    ;;
                --vmsa-cpu1)
                    COMPREPLY=()
                    return 0
                    ;;
                -1)
                    COMPREPLY=()
                    return 0
                    ;;
                --vcpu-type)
                    COMPREPLY=()
                    return 0
                    ;;
                --vcpu-sig)
                    COMPREPLY=()
                    return 0
                    ;;
                --cpu-family)
                    COMPREPLY=()
                    return 0
                    ;;
                --cpu-model)
                    COMPREPLY=()
                    return 0
                    ;;
                --cpu-stepping)
                    COMPREPLY=()
                    return 0
                    ;;
                --guest-features)
                    COMPREPLY=()
                    return 0
                    ;;
                --legacy-vm-type)
                    COMPREPLY=($(compgen -W "on off" -- "${cur}"))
                    return 0
                    ;;
                --tik)
                    COMPREPLY=()
                    return 0
                    ;;
                --tek)
                    COMPREPLY=()
                    return 0
                    ;;
                --tk)
                    COMPREPLY=()
                    return 0
                    ;;
                --policy-file)
                    COMPREPLY=()
                    return 0
                    ;;
                --inject-secret)
                    COMPREPLY=()
                    return 0
                    ;;
                -s)
                    COMPREPLY=()
                    return 0
                    ;;
                --measurement)
                    COMPREPLY=()
                    return 0
                    ;;
                -m)
                    COMPREPLY=()
                    return 0
                    ;;
                --connect)
                    COMPREPLY=()
                    return 0
                    ;;
                -c)
                    COMPREPLY=()
                    return 0
                    ;;
                --format)
                    COMPREPLY=($(compgen -W "text json md sarif prometheus" -- "${cur}"))
                    return 0
                    ;;
                --color)
                    COMPREPLY=($(compgen -W "auto always never" -- "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        virt__sev__lint)
            opts="-c -q -v -h --domain --all --config --config-format --set --no-metadata --skip --explain --strict --domcaps --host-root --record --connect --format --quiet --verbose --color --help [DOMAIN.xml]..."
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --domain)
                    COMPREPLY=()
                    return 0
                    ;;
                --config)
                    COMPREPLY=()
                    return 0
                    ;;
                --config-format)
                    COMPREPLY=($(compgen -W "auto lxd kubevirt nova proxmox metadata" -- "${cur}"))
                    return 0
                    ;;
                --set)
                    COMPREPLY=()
                    return 0
                    ;;
                --skip)
                    COMPREPLY=()
                    return 0
                    ;;
                --domcaps)
                    COMPREPLY=()
                    return 0
                    ;;
                --host-root)
                    COMPREPLY=()
                    return 0
                    ;;
                --connect)
                    COMPREPLY=()
                    return 0
                    ;;
                -c)
                    COMPREPLY=()
                    return 0
                    ;;
                --format)
                    COMPREPLY=($(compgen -W "text json md sarif prometheus" -- "${cur}"))
                    return 0
                    ;;
                --color)
                    COMPREPLY=($(compgen -W "auto always never" -- "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        virt__sev__measurement)
            opts="-o -c -q -v -h --output --timeout --connect --format --quiet --verbose --color --help <DOMAIN>"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --output)
                    COMPREPLY=()
                    return 0
                    ;;
                -o)
                    COMPREPLY=()
                    return 0
                    ;;
                --timeout)
                    COMPREPLY=()
                    return 0
                    ;;
                --connect)
                    COMPREPLY=()
                    return 0
                    ;;
                -c)
                    COMPREPLY=()
                    return 0
                    ;;
                --format)
                    COMPREPLY=($(compgen -W "text json md sarif prometheus" -- "${cur}"))
                    return 0
                    ;;
                --color)
                    COMPREPLY=($(compgen -W "auto always never" -- "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        virt__sev__secret)
            opts="-c -q -v -h --connect --format --quiet --verbose --color --help build inject"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --connect)
                    COMPREPLY=()
                    return 0
                    ;;
                -c)
                    COMPREPLY=()
                    return 0
                    ;;
                --format)
                    COMPREPLY=($(compgen -W "text json md sarif prometheus" -- "${cur}"))
                    return 0
                    ;;
                --color)
                    COMPREPLY=($(compgen -W "auto always never" -- "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        virt__sev__secret__build)
            opts="-s -m -c -q -v -h --secret --measurement --tik --tek --tk --packet --secret-header --secret-payload --connect --format --quiet --verbose --color --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --secret)
                    COMPREPLY=()
                    return 0
                    ;;
                -s)
                    COMPREPLY=()
                    return 0
                    ;;
                --measurement)
                    COMPREPLY=()
                    return 0
                    ;;
                -m)
                    COMPREPLY=()
                    return 0
                    ;;
                --tik)
                    COMPREPLY=()
                    return 0
                    ;;
                --tek)
                    COMPREPLY=()
                    return 0
                    ;;
                --tk)
                    COMPREPLY=()
                    return 0
                    ;;
                --packet)
                    COMPREPLY=()
                    return 0
                    ;;
                --secret-header)
                    COMPREPLY=()
                    return 0
                    ;;
                --secret-payload)
                    COMPREPLY=()
                    return 0
                    ;;
                --connect)
                    COMPREPLY=()
                    return 0
                    ;;
                -c)
                    COMPREPLY=()
                    return 0
                    ;;
                --format)
                    COMPREPLY=($(compgen -W "text json md sarif prometheus" -- "${cur}"))
                    return 0
                    ;;
                --color)
                    COMPREPLY=($(compgen -W "auto always never" -- "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        virt__sev__secret__inject)
            opts="-c -q -v -h --packet --secret-header --secret-payload --set-address --resume --timeout --connect --format --quiet --verbose --color --help <DOMAIN>"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --packet)
                    COMPREPLY=()
                    return 0
                    ;;
                --secret-header)
                    COMPREPLY=()
                    return 0
                    ;;
                --secret-payload)
                    COMPREPLY=()
                    return 0
                    ;;
                --set-address)
                    COMPREPLY=()
                    return 0
                    ;;
                --timeout)
                    COMPREPLY=()
                    return 0
                    ;;
                --connect)
                    COMPREPLY=()
                    return 0
                    ;;
                -c)
                    COMPREPLY=()
                    return 0
                    ;;
                --format)
                    COMPREPLY=($(compgen -W "text json md sarif prometheus" -- "${cur}"))
                    return 0
                    ;;
                --color)
                    COMPREPLY=($(compgen -W "auto always never" -- "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        virt__sev__session)
            opts="-o -f -i -c -q -v -h --chain --policy --output --bundle --firmware --insecure --ca --cek --fetch --cek-url --chip-id --timeout --connect --format --quiet --verbose --color --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --chain)
                    COMPREPLY=()
                    return 0
                    ;;
                --policy)
                    COMPREPLY=()
                    return 0
                    ;;
                --output)
                    COMPREPLY=()
                    return 0
                    ;;
                -o)
                    COMPREPLY=()
                    return 0
                    ;;
                --bundle)
                    COMPREPLY=()
                    return 0
                    ;;
                --firmware)
                    COMPREPLY=()
                    return 0
                    ;;
                -f)
                    COMPREPLY=()
                    return 0
                    ;;
                --ca)
                    COMPREPLY=()
                    return 0
                    ;;
                --cek)
                    COMPREPLY=()
                    return 0
                    ;;
                --cek-url)
                    COMPREPLY=()
                    return 0
                    ;;
                --chip-id)
                    COMPREPLY=()
                    return 0
                    ;;
                --timeout)
                    COMPREPLY=()
                    return 0
                    ;;
                --connect)
                    COMPREPLY=()
                    return 0
                    ;;
                -c)
                    COMPREPLY=()
                    return 0
                    ;;
                --format)
                    COMPREPLY=($(compgen -W "text json md sarif prometheus" -- "${cur}"))
                    return 0
                    ;;
                --color)
                    COMPREPLY=($(compgen -W "auto always never" -- "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        virt__sev__snp)
            opts="-c -q -v -h --connect --format --quiet --verbose --color --help id-block report"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --connect)
                    COMPREPLY=()
                    return 0
                    ;;
                -c)
                    COMPREPLY=()
                    return 0
                    ;;
                --format)
                    COMPREPLY=($(compgen -W "text json md sarif prometheus" -- "${cur}"))
                    return 0
                    ;;
                --color)
                    COMPREPLY=($(compgen -W "auto always never" -- "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        virt__sev__snp__id__block)
            opts="-o -c -q -v -h --id-key --author-key --measurement --launch-digest --policy --family-id --image-id --svn --version --host-data --output --connect --format --quiet --verbose --color --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --id-key)
                    COMPREPLY=()
                    return 0
                    ;;
                --author-key)
                    COMPREPLY=()
                    return 0
                    ;;
                --launch-digest)
                    COMPREPLY=()
                    return 0
                    ;;
                --measurement)
                    COMPREPLY=()
                    return 0
                    ;;
                --policy)
                    COMPREPLY=()
                    return 0
                    ;;
                --family-id)
                    COMPREPLY=()
                    return 0
                    ;;
                --image-id)
                    COMPREPLY=()
                    return 0
                    ;;
                --svn)
                    COMPREPLY=()
                    return 0
                    ;;
                --version)
                    COMPREPLY=()
                    return 0
                    ;;
                --host-data)
                    COMPREPLY=()
                    return 0
                    ;;
                --output)
                    COMPREPLY=()
                    return 0
                    ;;
                -o)
                    COMPREPLY=()
                    return 0
                    ;;
                --connect)
                    COMPREPLY=()
                    return 0
                    ;;
                -c)
                    COMPREPLY=()
                    return 0
                    ;;
                --format)
                    COMPREPLY=($(compgen -W "text json md sarif prometheus" -- "${cur}"))
                    return 0
                    ;;
                --color)
                    COMPREPLY=($(compgen -W "auto always never" -- "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        virt__sev__snp__report)
            opts="-f -k -r -e -n -0 -1 -c -q -v -h --vcek --vlek --ask --ark --certs --ca --at --kds-address --measurement --report-data --host-data --id-key-digest --author-key-digest --min-tcb --guest-policy --allow-debug --vmpl --chip-id --firmware --kernel --initrd --cmdline --num-cpus --vmsa-cpu0 --vmsa-cpu1 --vcpu-type --vcpu-sig --cpu-family --cpu-model --cpu-stepping --guest-features --legacy-vm-type --policy-file --connect --format --quiet --verbose --color --help <FILE>"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --certs)
                    COMPREPLY=()
                    return 0
                    ;;
                --vcek)
                    COMPREPLY=()
                    return 0
                    ;;
                --vlek)
                    COMPREPLY=()
                    return 0
                    ;;
                --ask)
                    COMPREPLY=()
                    return 0
                    ;;
                --ark)
                    COMPREPLY=()
                    return 0
                    ;;
                --ca)
                    COMPREPLY=()
                    return 0
                    ;;
                --at)
                    COMPREPLY=()
                    return 0
                    ;;
                --measurement)
                    COMPREPLY=()
                    return 0
                    ;;
                --report-data)
                    COMPREPLY=()
                    return 0
                    ;;
                --host-data)
                    COMPREPLY=()
                    return 0
                    ;;
                --id-key-digest)
                    COMPREPLY=()
                    return 0
                    ;;
                --author-key-digest)
                    COMPREPLY=()
                    return 0
                    ;;
                --min-tcb)
                    COMPREPLY=()
                    return 0
                    ;;
                --guest-policy)
                    COMPREPLY=()
                    return 0
                    ;;
                --vmpl)
                    COMPREPLY=()
                    return 0
                    ;;
                --chip-id)
                    COMPREPLY=()
                    return 0
                    ;;
                --firmware)
                    COMPREPLY=()
                    return 0
                    ;;
                -f)
                    COMPREPLY=()
                    return 0
                    ;;
                --kernel)
                    COMPREPLY=()
                    return 0
                    ;;
                -k)
                    COMPREPLY=()
                    return 0
                    ;;
                --initrd)
                    COMPREPLY=()
                    return 0
                    ;;
                -r)
                    COMPREPLY=()
                    return 0
                    ;;
                --cmdline)
                    COMPREPLY=()
                    return 0
                    ;;
                -e)
                    COMPREPLY=()
                    return 0
                    ;;
                --num-cpus)
                    COMPREPLY=()
                    return 0
                    ;;
                -n)
                    COMPREPLY=()
                    return 0
                    ;;
                --vmsa-cpu0)
                    COMPREPLY=()
                    return 0
                    ;;
                -0)
                    COMPREPLY=()
                    return 0
                    ;;
                --vmsa-cpu1)
                    COMPREPLY=()
                    return 0
                    ;;
                -1)
                    COMPREPLY=()
                    return 0
                    ;;
                --vcpu-type)
                    COMPREPLY=()
                    return 0
                    ;;
                --vcpu-sig)
                    COMPREPLY=()
                    return 0
                    ;;
                --cpu-family)
                    COMPREPLY=()
                    return 0
                    ;;
                --cpu-model)
                    COMPREPLY=()
                    return 0
                    ;;
                --cpu-stepping)
                    COMPREPLY=()
                    return 0
                    ;;
                --guest-features)
                    COMPREPLY=()
                    return 0
                    ;;
                --legacy-vm-type)
                    COMPREPLY=($(compgen -W "on off" -- "${cur}"))
                    return 0
                    ;;
                --policy-file)
                    COMPREPLY=()
                    return 0
                    ;;
                --connect)
                    COMPREPLY=()
                    return 0
                    ;;
                -c)
                    COMPREPLY=()
                    return 0
                    ;;
                --format)
                    COMPREPLY=($(compgen -W "text json md sarif prometheus" -- "${cur}"))
                    return 0
                    ;;
                --color)
                    COMPREPLY=($(compgen -W "auto always never" -- "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        virt__sev__verify)
            opts="-o -g -d -m -f -k -r -e -n -0 -1 -i -s -c -q -v -h --domain --evidence --report --certs --ca --report-data --ignore-config --packet --secret-header --secret-payload --timeout --json --debug --measurement --api-major --api-minor --build-id --policy --firmware --kernel --initrd --cmdline --num-cpus --vmsa-cpu0 --vmsa-cpu1 --vcpu-type --vcpu-sig --cpu-family --cpu-model --cpu-stepping --guest-features --legacy-vm-type --tik --tek --tk --insecure --policy-file --inject-secret --connect --format --quiet --verbose --color --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --domain)
                    COMPREPLY=()
                    return 0
                    ;;
                -o)
                    COMPREPLY=()
                    return 0
                    ;;
                --evidence)
                    COMPREPLY=()
                    return 0
                    ;;
                --report)
                    COMPREPLY=()
                    return 0
                    ;;
                --certs)
                    COMPREPLY=()
                    return 0
                    ;;
                --ca)
                    COMPREPLY=()
                    return 0
                    ;;
                --report-data)
                    COMPREPLY=()
                    return 0
                    ;;
                --packet)
                    COMPREPLY=()
                    return 0
                    ;;
                --secret-header)
                    COMPREPLY=()
                    return 0
                    ;;
                --secret-payload)
                    COMPREPLY=()
                    return 0
                    ;;
                --timeout)
                    COMPREPLY=()
                    return 0
                    ;;
                --measurement)
                    COMPREPLY=()
                    return 0
                    ;;
                -m)
                    COMPREPLY=()
                    return 0
                    ;;
                --api-major)
                    COMPREPLY=()
                    return 0
                    ;;
                --api-minor)
                    COMPREPLY=()
                    return 0
                    ;;
                --build-id)
                    COMPREPLY=()
                    return 0
                    ;;
                --policy)
                    COMPREPLY=()
                    return 0
                    ;;
                --firmware)
                    COMPREPLY=()
                    return 0
                    ;;
                -f)
                    COMPREPLY=()
                    return 0
                    ;;
                --kernel)
                    COMPREPLY=()
                    return 0
                    ;;
                -k)
                    COMPREPLY=()
                    return 0
                    ;;
                --initrd)
                    COMPREPLY=()
                    return 0
                    ;;
                -r)
                    COMPREPLY=()
                    return 0
                    ;;
                --cmdline)
                    COMPREPLY=()
                    return 0
                    ;;
                -e)
                    COMPREPLY=()
                    return 0
                    ;;
                --num-cpus)
                    COMPREPLY=()
                    return 0
                    ;;
                -n)
                    COMPREPLY=()
                    return 0
                    ;;
                --vmsa-cpu0)
                    COMPREPLY=()
                    return 0
                    ;;
                -0)
                    COMPREPLY=()
                    return 0
                    ;;
                --vmsa-cpu1)
                    COMPREPLY=()
                    return 0
                    ;;
                -1)
                    COMPREPLY=()
                    return 0
                    ;;
                --vcpu-type)
                    COMPREPLY=()
                    return 0
                    ;;
                --vcpu-sig)
                    COMPREPLY=()
                    return 0
                    ;;
                --cpu-family)
                    COMPREPLY=()
                    return 0
                    ;;
                --cpu-model)
                    COMPREPLY=()
                    return 0
                    ;;
                --cpu-stepping)
                    COMPREPLY=()
                    return 0
                    ;;
                --guest-features)
                    COMPREPLY=()
                    return 0
                    ;;
                --legacy-vm-type)
                    COMPREPLY=($(compgen -W "on off" -- "${cur}"))
                    return 0
                    ;;
                --tik)
                    COMPREPLY=()
                    return 0
                    ;;
                --tek)
                    COMPREPLY=()
                    return 0
                    ;;
                --tk)
                    COMPREPLY=()
                    return 0
                    ;;
                --policy-file)
                    COMPREPLY=()
                    return 0
                    ;;
                --inject-secret)
                    COMPREPLY=()
                    return 0
                    ;;
                -s)
                    COMPREPLY=()
                    return 0
                    ;;
                --connect)
                    COMPREPLY=()
                    return 0
                    ;;
                -c)
                    COMPREPLY=()
                    return 0
                    ;;
                --format)
                    COMPREPLY=($(compgen -W "text json md sarif prometheus" -- "${cur}"))
                    return 0
                    ;;
                --color)
                    COMPREPLY=($(compgen -W "auto always never" -- "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
    esac
}

if [[ "${BASH_VERSINFO[0]}" -eq 4 && "${BASH_VERSINFO[1]}" -ge 4 || "${BASH_VERSINFO[0]}" -gt 4 ]]; then
    complete -F _virt-sev -o nosort -o bashdefault -o default virt-sev
else
    complete -F _virt-sev -o bashdefault -o default virt-sev
fi

# Where everything goes: the binary, its manual, the unit with its user and directories, examples.
include(GNUInstallDirs)

configure_file(systemd/postrider.service.in ${CMAKE_BINARY_DIR}/systemd/postrider.service @ONLY)

install(TARGETS postrider RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES docs/postrider.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES docs/postrider.yaml.5 DESTINATION ${CMAKE_INSTALL_MANDIR}/man5)
install(FILES ${CMAKE_BINARY_DIR}/systemd/postrider.service DESTINATION lib/systemd/system)
install(FILES systemd/postrider.sysusers DESTINATION lib/sysusers.d RENAME postrider.conf)
install(FILES systemd/postrider.tmpfiles DESTINATION lib/tmpfiles.d RENAME postrider.conf)
install(FILES README.md CHANGELOG.md docs/operating.md docs/control-protocol.md
    DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES etc/postrider.yaml etc/prometheus-alerts.yaml etc/grafana-dashboard.json
    DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
install(FILES etc/postrider.schema.json DESTINATION ${CMAKE_INSTALL_DATADIR}/postrider)

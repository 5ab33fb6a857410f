# One static library per floor (src/README.md has the map). A floor links only what stands below it,
# and the third-party libraries that its own .cpp files may use.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(tl-expected REQUIRED)
find_package(SQLiteCpp REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(CLI11 REQUIRED)
find_package(nlohmann_json REQUIRED)
pkg_check_modules(EVENT REQUIRED IMPORTED_TARGET libevent_core libevent_pthreads)
pkg_check_modules(EVENT_HTTP REQUIRED IMPORTED_TARGET libevent_extra)
pkg_check_modules(CURL REQUIRED IMPORTED_TARGET libcurl)
pkg_check_modules(PROMETHEUS REQUIRED IMPORTED_TARGET prometheus-cpp-core)
pkg_check_modules(CARES REQUIRED IMPORTED_TARGET libcares)
pkg_check_modules(GSASL REQUIRED IMPORTED_TARGET libgsasl)
pkg_check_modules(IDN2 REQUIRED IMPORTED_TARGET libidn2)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3)

function(postrider_floor floor)
    cmake_parse_arguments(ARG "" "" "FLOORS;LIBRARIES" ${ARGN})
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${floor}/*.cpp)
    add_library(postrider_${floor} STATIC ${sources})
    target_include_directories(postrider_${floor}
        PUBLIC ${CMAKE_SOURCE_DIR}/include
        PRIVATE ${CMAKE_SOURCE_DIR}/src)
    list(TRANSFORM ARG_FLOORS PREPEND postrider_)
    target_link_libraries(postrider_${floor}
        PUBLIC ${ARG_FLOORS}
        PRIVATE postrider_flags ${ARG_LIBRARIES})
endfunction()

postrider_floor(base LIBRARIES fmt::fmt spdlog::spdlog)
target_link_libraries(postrider_base PUBLIC tl::expected)
postrider_floor(event FLOORS base LIBRARIES PkgConfig::EVENT Threads::Threads)
postrider_floor(mail FLOORS base LIBRARIES fmt::fmt OpenSSL::Crypto PkgConfig::IDN2)
postrider_floor(protocol FLOORS base mail LIBRARIES fmt::fmt PkgConfig::GSASL)
postrider_floor(net FLOORS base event LIBRARIES fmt::fmt OpenSSL::SSL PkgConfig::CARES)
postrider_floor(source FLOORS base event mail protocol net LIBRARIES fmt::fmt)
postrider_floor(sink FLOORS base event mail protocol net LIBRARIES fmt::fmt)
postrider_floor(store FLOORS base event mail
    LIBRARIES fmt::fmt SQLiteCpp PkgConfig::SQLITE Threads::Threads nlohmann_json::nlohmann_json)
postrider_floor(engine FLOORS base event mail LIBRARIES fmt::fmt)
postrider_floor(config FLOORS base mail LIBRARIES fmt::fmt yaml-cpp)
# The providers are part of the program: there is no file to miss, in the build tree or elsewhere.
set_property(DIRECTORY ${CMAKE_SOURCE_DIR} APPEND PROPERTY
    CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/etc/providers.yaml)
file(READ ${CMAKE_SOURCE_DIR}/etc/providers.yaml POSTRIDER_PROVIDERS)
configure_file(${CMAKE_SOURCE_DIR}/src/config/providers_text.cpp.in
    ${CMAKE_BINARY_DIR}/providers_text.cpp @ONLY)
target_sources(postrider_config PRIVATE ${CMAKE_BINARY_DIR}/providers_text.cpp)
postrider_floor(app FLOORS base event mail protocol net source sink store engine config
    LIBRARIES fmt::fmt CLI11::CLI11 nlohmann_json::nlohmann_json PkgConfig::EVENT_HTTP
    PkgConfig::PROMETHEUS PkgConfig::CURL)

add_executable(postrider ${CMAKE_SOURCE_DIR}/src/main.cpp)
target_link_libraries(postrider PRIVATE postrider_app postrider_flags)
target_compile_definitions(postrider_app PRIVATE POSTRIDER_VERSION="${PROJECT_VERSION}")
if(POSTRIDER_HARDEN)
    set_target_properties(postrider PROPERTIES POSITION_INDEPENDENT_CODE ON)
    target_link_options(postrider PRIVATE -pie)
endif()

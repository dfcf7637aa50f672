# SPDX-License-Identifier: GPL-3.0-or-later
# Everything comes from the distribution's packages; installer/packages.sh lists them.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(Boost 1.81 REQUIRED CONFIG COMPONENTS json url)
find_package(OpenSSL REQUIRED)
find_package(Qt6 6.4 REQUIRED COMPONENTS Core DBus Network Sql Svg Test Widgets)
# Without the folders of each test, which no test asks for: with them no clone could use what another has compiled.
set_property(TARGET Qt6::Test PROPERTY INTERFACE_COMPILE_DEFINITIONS QT_TESTLIB_LIB)
find_package(tomlplusplus REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
find_package(CURL REQUIRED)
pkg_check_modules(hiredis REQUIRED IMPORTED_TARGET hiredis)
pkg_check_modules(sodium REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(yaml REQUIRED IMPORTED_TARGET yaml-cpp)
# prometheus-cpp's CMake package also wants civetweb and curl, which the core library does not use.
pkg_check_modules(prometheus REQUIRED IMPORTED_TARGET prometheus-cpp-core)

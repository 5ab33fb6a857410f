#include "app/control/control_socket.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/temp_dir.h"

namespace postrider::app {
namespace {

/// The default: for nobody else.
config::Control at(const std::string& path) {
    config::Control control;
    control.socket = path;
    return control;
}

//
TEST(ControlSocket, IsForItsOwnerAlone) {
    const test::TempDir place;
    const std::string path = place / "control.sock";
    const auto listening = listen_at(at(path));
    ASSERT_TRUE(listening);
    struct stat status {};
    ASSERT_EQ(::lstat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0600U);
    const auto connection = connect_to(path);
    ASSERT_TRUE(connection);
    EXPECT_EQ(check_peer(connection->get(), ""), ControlPeer::owner);
    EXPECT_NE(::access((path + ".new").c_str(), F_OK), 0);
}

TEST(ControlSocket, ReplacesWhatAnEndedProcessLeft) {
    const test::TempDir place;
    const std::string path = place / "control.sock";
    { const auto left = listen_at(at(path)); }
    EXPECT_EQ(connect_to(path).error().code, Errc::closed);
    const auto listening = listen_at(at(path));
    ASSERT_TRUE(listening);
    EXPECT_TRUE(connect_to(path));
    EXPECT_EQ(listen_at(at(path)).error().code, Errc::locked) << "somebody answers";
    remove_socket(path);
    EXPECT_EQ(connect_to(path).error().code, Errc::closed);
}

TEST(ControlSocket, PathsMayBeLongerThanAnAddress) {
    const test::TempDir place;
    const std::string folder = place / std::string(200, 'd');
    ASSERT_EQ(::mkdir(folder.c_str(), 0700), 0);
    const auto listening = listen_at(at(folder + "/control.sock"));
    ASSERT_TRUE(listening);
    EXPECT_TRUE(connect_to(folder + "/control.sock"));
    EXPECT_EQ(listen_at(at(folder + "/" + std::string(120, 'n'))).error().code, Errc::config);
}

TEST(ControlSocket, TellsWhatIsWrongWithItsPlace) {
    const test::TempDir place;
    const Error no_directory = listen_at(at(place / "none/control.sock")).error();
    EXPECT_EQ(no_directory.code, Errc::config);
    EXPECT_NE(no_directory.text.find("control.socket"), std::string::npos);
    const Error no_group =
        listen_at({.socket = place / "control.sock", .group = "no-such-group"}).error();
    EXPECT_EQ(no_group.code, Errc::config);
    EXPECT_NE(no_group.text.find("no-such-group"), std::string::npos);
    EXPECT_NE(connect_to(place / "none").error().text.find("postrider run"), std::string::npos);
}

}  // namespace
}  // namespace postrider::app

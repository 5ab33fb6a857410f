#include "net/socket_stream.h"

#include <atomic>
#include <future>

#include <gtest/gtest.h>

#include "unit/net/net_test_base.h"

namespace postrider::net {
namespace {

class SocketStreamTest : public NetTest {};

std::string big(std::size_t size) {
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; ++i) {
        bytes[i] = static_cast<char>('a' + i % 23);
    }
    return bytes;
}

TEST_F(SocketStreamTest, CarriesBytesBothWays) {
    test::TestServer server([](test::ServerEnd& end) {
        end.send("hello\r\n");
        end.send("you said " + end.read_line() + "\r\n");
    });
    ASSERT_FALSE(connect_to(server.port()));
    EXPECT_EQ(stream->peer().address, "127.0.0.1");
    EXPECT_EQ(stream->peer().tls, "");
    EXPECT_FALSE(stream->is_encrypted());
    stream->write("something\r\n");
    run_until([this] { return recorder.closed.has_value(); });
    EXPECT_EQ(recorder.received, "hello\r\nyou said something\r\n");
    EXPECT_EQ(recorder.closed->code, Errc::closed);
    turn_some();
    EXPECT_EQ(recorder.ends, 1);
}

TEST_F(SocketStreamTest, OffersInputThatArrivedTogetherWithTheEndFirst) {
    std::promise<void> sent;
    test::TestServer server([&](test::ServerEnd& end) {
        end.send("421 going down\r\n");
        end.close();
        sent.set_value();
    });
    ASSERT_FALSE(connect_to(server.port()));
    sent.get_future().wait();
    bool closed_before_input = false;
    recorder.on_change = [&] {
        closed_before_input = closed_before_input || (recorder.closed && recorder.received.empty());
        changed();
    };
    run_until([this] { return recorder.closed.has_value(); });
    EXPECT_EQ(recorder.received, "421 going down\r\n");
    EXPECT_FALSE(closed_before_input);
}

TEST_F(SocketStreamTest, NothingIsToldInsideACall) {
    std::promise<void> sent;
    test::TestServer server([&](test::ServerEnd& end) {
        end.send("x");
        sent.set_value();
        static_cast<void>(end.read_to_end());
    });
    ASSERT_FALSE(connect_to(server.port()));
    recorder.consumes = false;
    run_until([this] { return recorder.pieces == 1; });
    stream->write("y");
    stream->pause_reading();
    stream->resume_reading();
    stream->consume(0);
    stream->attach(&recorder);
    EXPECT_EQ(recorder.pieces, 1);
    stream.reset();
}

TEST_F(SocketStreamTest, UnconsumedInputIsBoundedAndGoesOnWhenThereIsRoom) {
    constexpr std::size_t kAll = 10 * ByteStream::kInputLimit;
    test::TestServer server([](test::ServerEnd& end) { end.send(big(kAll)); });
    ASSERT_FALSE(connect_to(server.port()));
    recorder.consumes = false;
    run_until([this] { return stream->input().size() == ByteStream::kInputLimit; });
    turn_some();
    EXPECT_EQ(stream->input().size(), ByteStream::kInputLimit);
    recorder.consumes = true;
    recorder.received = stream->input();
    stream->consume(stream->input().size());
    run_until([this] { return recorder.closed.has_value(); });
    EXPECT_EQ(recorder.received, big(kAll));
}

TEST_F(SocketStreamTest, PausesAreCounted) {
    std::promise<void> go;
    test::TestServer server([&](test::ServerEnd& end) {
        end.send(end.read_line());
        static_cast<void>(end.read_to_end());
    });
    ASSERT_FALSE(connect_to(server.port()));
    stream->pause_reading();
    stream->pause_reading();
    stream->write("echo\r\n");
    turn_some();
    stream->resume_reading();
    turn_some();
    EXPECT_EQ(recorder.received, "");
    stream->resume_reading();
    run_until([this] { return recorder.received == "echo"; });
    stream.reset();
}

TEST_F(SocketStreamTest, ResumingOffersAgainWhatWasLeft) {
    test::TestServer server([](test::ServerEnd& end) {
        end.send("left");
        static_cast<void>(end.read_to_end());
    });
    ASSERT_FALSE(connect_to(server.port()));
    recorder.consumes = false;
    run_until([this] { return recorder.pieces == 1; });
    stream->pause_reading();
    stream->resume_reading();
    run_until([this] { return recorder.pieces == 2; });
    EXPECT_EQ(stream->input(), "left");
    stream.reset();
}

TEST_F(SocketStreamTest, TheEndWaitsForAPauseAndInputStaysReadable) {
    std::promise<void> sent;
    test::TestServer server([&](test::ServerEnd& end) {
        end.send("bye");
        end.close();
        sent.set_value();
    });
    ASSERT_FALSE(connect_to(server.port()));
    recorder.consumes = false;
    stream->pause_reading();
    sent.get_future().wait();
    turn_some();
    EXPECT_FALSE(recorder.closed);
    stream->resume_reading();
    run_until([this] { return recorder.closed.has_value(); });
    EXPECT_EQ(stream->input(), "bye");
    stream->consume(3);
    EXPECT_EQ(stream->input(), "");
}

TEST_F(SocketStreamTest, TellsWhenOutputHasFallenToTheLowMark) {
    std::promise<void> read_on;
    std::string got;
    test::TestServer server([&](test::ServerEnd& end) {
        read_on.get_future().wait();
        got = end.read_to_end();
    });
    ASSERT_FALSE(connect_to(server.port()));
    std::string all;
    while (stream->output_pending() <= ByteStream::kOutputHighMark) {
        all += big(ByteStream::kOutputLowMark);
        stream->write(big(ByteStream::kOutputLowMark));
    }
    turn_some();
    EXPECT_EQ(recorder.output_low, 0);
    read_on.set_value();
    run_until([this] { return recorder.output_low == 1; });
    EXPECT_LE(stream->output_pending(), ByteStream::kOutputLowMark);
    const auto poll = loop->make_timer([&, this] {
        if (stream->output_pending() == 0) {
            stream.reset();
            loop->stop();
        } else {
            recorder.on_change();
        }
    });
    while (stream != nullptr) {
        poll->arm(1ms);
        loop->defer([this] { loop->stop(); });
        loop->run();
    }
    server.join();
    EXPECT_EQ(got, all);
}

TEST_F(SocketStreamTest, ReadsAnEarlyReplyOfAPeerThatTakesNoMore) {
    std::promise<void> hung_up;
    test::TestServer server([&](test::ServerEnd& end) {
        static_cast<void>(end.read_line());
        end.send("552 too big\r\n");
        ::shutdown(end.fd(), SHUT_RD);
        end.close();  // with bytes unread: the client's next send meets a reset
        hung_up.set_value();
    });
    ASSERT_FALSE(connect_to(server.port()));
    stream->pause_reading();  // the reply waits in the socket while we go on writing
    stream->write("DATA\r\n");
    hung_up.get_future().wait();
    for (int i = 0; i < 200; ++i) {  // the reset of the peer takes its time to arrive
        stream->write(big(ByteStream::kOutputLowMark));
        turn_some();
    }
    EXPECT_FALSE(recorder.closed);
    EXPECT_EQ(stream->output_pending(), 0U);
    stream->resume_reading();
    run_until([this] { return recorder.closed.has_value(); });
    EXPECT_EQ(recorder.received, "552 too big\r\n");
    EXPECT_EQ(recorder.closed->code, Errc::network);
    EXPECT_EQ(recorder.ends, 1);
}

TEST_F(SocketStreamTest, AResetIsANetworkError) {
    test::TestServer server([](test::ServerEnd& end) {
        static_cast<void>(end.read_line());
        end.reset();
    });
    ASSERT_FALSE(connect_to(server.port()));
    stream->write("x\r\n");
    run_until([this] { return recorder.closed.has_value(); });
    EXPECT_EQ(recorder.closed->code, Errc::network);
    EXPECT_EQ(recorder.closed->text, "connection reset by peer");
}

TEST_F(SocketStreamTest, MayBeDestroyedInEachOfItsEvents) {
    test::TestServer server(
        [](test::ServerEnd& end) {
            end.send("x");
            end.close();
        },
        2);
    ASSERT_FALSE(connect_to(server.port()));
    recorder.on_change = [this] {
        stream.reset();
        loop->stop();
    };
    loop->run();
    EXPECT_EQ(recorder.pieces, 1);
    recorder.on_change = [this] { changed(); };
    ASSERT_FALSE(connect_to(server.port()));
    recorder.on_change = [this] {
        if (recorder.closed) {
            stream.reset();
            loop->stop();
        }
    };
    loop->run();
    EXPECT_EQ(recorder.closed->code, Errc::closed);
    turn_some();
    EXPECT_EQ(recorder.ends, 1);
}

TEST_F(SocketStreamTest, ADetachedStreamKeepsItsNewsForTheNextOwner) {
    test::TestServer server([](test::ServerEnd& end) { end.send("news"); });
    ASSERT_FALSE(connect_to(server.port()));
    stream->attach(nullptr);
    server.join();
    turn_some();
    EXPECT_EQ(recorder.pieces, 0);
    EXPECT_FALSE(recorder.closed);
    stream->attach(&recorder);
    run_until([this] { return recorder.closed.has_value(); });
    EXPECT_EQ(recorder.received, "news");
}

TEST(ByteQueue, KeepsItsBytesInOrderAndGivesItsMemoryBack) {
    ByteQueue queue;
    queue.append(big(100'000));
    queue.consume(60'000);
    queue.append("tail");
    EXPECT_EQ(queue.view(), big(100'000).substr(60'000) + "tail");
    queue.consume(queue.size());
    EXPECT_TRUE(queue.empty());
    EXPECT_LE(queue.capacity(), 1024U);
}

}  // namespace
}  // namespace postrider::net

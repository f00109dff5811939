#include "base/text_layout.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/fd.hpp"
#include "base/text.hpp"

namespace base {
namespace {

TEST(PageWidth, IsThatOfTheVariableThenOfTheTerminalThen80) {
  const Fd master(::posix_openpt(O_RDWR | O_NOCTTY));
  ASSERT_TRUE(master);
  ASSERT_EQ(::grantpt(master.get()), 0);
  ASSERT_EQ(::unlockpt(master.get()), 0);
  winsize size{};
  size.ws_col = 97;
  ASSERT_EQ(::ioctl(master.get(), TIOCSWINSZ, &size), 0);
  const auto slave = open_file(::ptsname(master.get()), O_RDWR | O_NOCTTY);
  ASSERT_TRUE(slave);
  const int terminal = slave->get();
  EXPECT_EQ(page_width(std::nullopt, terminal), 97U);
  EXPECT_EQ(page_width("61", terminal), 61U);
  for (const char* no_number : {"", "0", "wide", "-5", "80x"}) EXPECT_EQ(page_width(no_number, terminal), 97U) << no_number;
  const auto file = open_file("/dev/null", O_RDONLY);
  ASSERT_TRUE(file);
  EXPECT_EQ(page_width(std::nullopt, file->get()), 80U);
  EXPECT_EQ(page_width("10", file->get()), 40U);
  EXPECT_EQ(page_width("1000", file->get()), 120U);
}

TEST(Wrapped, NeverCutsAWordAndKeepsLinesWithinTheWidth) {
  const std::string text = "Some words, a long one: pneumonoultramicroscopicsilicovolcanoconiosis, and the end.";
  for (std::size_t width = 10; width < 90; ++width) {
    std::string joined;
    const std::string laid_out = wrapped(text, width, 2);
    for (const std::string_view line : split(laid_out, '\n')) {
      const bool one_word = trim(line).find(' ') == std::string_view::npos;
      EXPECT_TRUE(line.size() <= width || one_word) << width << ": " << line;
      joined += (joined.empty() ? "" : " ") + std::string(trim(line));
    }
    EXPECT_EQ(joined, text);
  }
}

TEST(Wrapped, CountsCharactersNotBytesAndKeepsLineFeeds) {
  EXPECT_EQ(wrapped("äöü äöü", 7), "äöü äöü");
  EXPECT_EQ(wrapped("äöü äöü", 6), "äöü\näöü");
  EXPECT_EQ(wrapped("a\n\nb c", 80, 2), "a\n\n  b c");
  EXPECT_EQ(wrapped("a b", 3, 2, 2), "a\n  b");
}

TEST(TableRow, StandsBesideOrBelowWhereThereIsNoRoom) {
  EXPECT_EQ(table_row("-o FILE", "write it there", 80, 20), "  -o FILE           write it there\n");
  EXPECT_EQ(table_row("--a-very-long-flag FILE", "write it", 80, 20), "  --a-very-long-flag FILE\n                    write it\n");
  EXPECT_EQ(table_row("-o FILE", "write it there", 40, 20), "  -o FILE\n      write it there\n");
  EXPECT_EQ(table_row("-o FILE", "", 40, 20), "  -o FILE\n");
}

}  // namespace
}  // namespace base

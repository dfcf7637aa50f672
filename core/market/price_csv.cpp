// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/market/price_csv.h"

#include "core/base/utf8.h"
#include "core/market/price_fields.h"
#include "core/market/price_layout.h"

#include <boost/locale/encoding_utf.hpp>

#include <csv.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <map>
#include <optional>
#include <set>

namespace portolan::market {

namespace {

constexpr std::size_t mostErrors = 100;
constexpr std::size_t mostFields = 16'384;
constexpr std::size_t longestField = 64 * 1024;
constexpr std::size_t pieceBytes = 16 * 1024; ///< of a file, between looks at how it goes
constexpr std::size_t quotedText = 24;        ///< of a field, in a message
constexpr double highestPrice = 1e9;
constexpr std::uint64_t highestVolume = std::uint64_t(1) << 53; ///< the most that JSON's readers take whole
constexpr double roundingLoss = 1e-4;                           ///< of a price: adjusted prices are rounded one by one

/// Called for each row that is not empty; 1 is the first, empty ones count. False: no more of them.
using OnRow = std::function<bool(std::size_t number, const Fields &fields)>;

/// Makes rows of what libcsv hands over.
class Rows final
{
public:
    explicit Rows(const OnRow &onRow) : m_onRow(onRow) {}

    void field(std::string_view text)
    {
        if (text.size() > longestField)
            m_tooLong = true;
        else if (m_fields.size() < mostFields)
            m_fields.emplace_back(text);
    }
    /// Whether the rest need not be looked at. `pending`: bytes of the field that has not ended.
    bool over(std::size_t pending)
    {
        m_tooLong = m_tooLong || pending > longestField;
        return m_over || m_tooLong;
    }
    /// The row with a field that is longer than any; none: 0.
    std::size_t tooLongRow() const { return m_tooLong ? m_row + 1 : 0; }
    /// `end`: the character that ended it, or -1 at the end of the file.
    void endOfRow(int end)
    {
        if (m_tooLong)
            return;
        const bool secondHalf = end == CSV_LF && m_fields.empty() && m_lastEnd == CSV_CR;
        m_lastEnd = end;
        if (secondHalf)
            return;
        ++m_row;
        if (!m_over && !m_fields.empty() && !(m_fields.size() == 1 && m_fields.front().empty()))
            m_over = !m_onRow(m_row, m_fields);
        m_fields.clear();
    }

private:
    const OnRow &m_onRow;
    Fields m_fields;
    int m_lastEnd = 0;
    std::size_t m_row = 0;
    bool m_over = false;
    bool m_tooLong = false;
};

/// Answers the row with a field that is longer than any, at which it ends; 0: there is none.
std::size_t forEachRow(std::string_view text, char separator, const OnRow &onRow)
{
    Rows rows(onRow);
    csv_parser parser;
    csv_init(&parser, CSV_APPEND_NULL | CSV_REPALL_NL);
    csv_set_delim(&parser, static_cast<unsigned char>(separator));
    const auto onField = [](void *field, std::size_t size, void *self) {
        static_cast<Rows *>(self)->field({static_cast<const char *>(field), size});
    };
    const auto onEnd = [](int end, void *self) { static_cast<Rows *>(self)->endOfRow(end); };
    csv_set_blk_size(&parser, pieceBytes); // it grows by this, and copies what it has each time
    while (!text.empty() && !rows.over(parser.entry_pos)) {
        const auto piece = text.substr(0, pieceBytes);
        csv_parse(&parser, piece.data(), piece.size(), onField, onEnd, &rows);
        text.remove_prefix(piece.size());
    }
    if (!rows.over(parser.entry_pos))
        csv_fini(&parser, onField, onEnd, &rows);
    csv_free(&parser);
    return rows.tooLongRow();
}

/// What stands in a day's row once it was read, and the time of the day it is of.
struct Day
{
    Bar bar;
    std::set<std::chrono::milliseconds> times{}; ///< of its rows
    std::size_t row = 0;
};

/// Goes over the rows twice: what one of them means may be told by a later one.
class Reader final
{
public:
    Reader(char separator, std::string_view symbol) : m_header(symbol), m_numbers(separator) {}

    /// The first time. False: the file is refused.
    bool observe(std::size_t number, const Fields &fields);
    /// After that.
    bool decide() { return (m_found || (m_found = m_header.find())) && m_header.chooseRows(); }
    void add(std::size_t number, const Fields &fields);
    PriceRows result();
    PriceRows refused() const;

private:
    const std::string *cell(const Fields &fields, std::optional<std::size_t> column) const
    {
        return column && *column < fields.size() ? &fields[*column] : nullptr;
    }
    /// Fields behind the header's last one: nobody knows which of the row's is which. Empty ones do no harm.
    bool isTooWide(const Fields &fields) const
    {
        const auto most = std::min(m_header.columns().count, fields.size());
        return std::any_of(fields.begin() + std::ptrdiff_t(most), fields.end(),
                           [](const std::string &field) { return !field.empty(); });
    }
    std::string read(const Fields &fields, Day &day) const;
    std::string readDate(const Fields &fields, Day &day) const;
    std::string readPrice(const Fields &fields, std::optional<std::size_t> column, const char *name, double &to) const;
    std::string readVolume(const Fields &fields, std::uint64_t &to) const;
    void leaveOut(std::size_t row, std::string why);

    PriceHeader m_header;
    NumberStyle m_numbers;
    DateStyle m_dates;
    std::size_t m_headerEnd = 0; ///< its last row
    bool m_found = false;        ///< the columns
    std::map<WallTime, Day> m_days;
    PriceRows m_result;
};

bool Reader::observe(std::size_t number, const Fields &fields)
{
    if (!m_found && m_header.take(fields)) {
        m_headerEnd = number;
        return true;
    }
    if (!m_found && !(m_found = m_header.find()))
        return false;
    ++m_result.rows;
    if (isTooWide(fields))
        return true;
    const Columns &columns = m_header.columns();
    if (const auto *date = cell(fields, columns.date))
        m_dates.observe(*date);
    for (const auto column : {columns.open, columns.high, columns.low, columns.close})
        if (const auto *price = cell(fields, column))
            m_numbers.observePrice(*price);
    if (const auto *volume = cell(fields, columns.volume))
        m_numbers.observeVolume(*volume);
    if (const auto *security = cell(fields, columns.security))
        m_header.observeSecurity(*security);
    return true;
}

void Reader::add(std::size_t number, const Fields &fields)
{
    if (number <= m_headerEnd)
        return;
    const Columns &columns = m_header.columns();
    if (const auto *security = cell(fields, columns.security); security && !m_header.wants(*security))
        return;
    Day day;
    day.row = number;
    std::string wrong;
    if (isTooWide(fields))
        wrong = "it has " + std::to_string(fields.size()) + " fields, and the header " + std::to_string(columns.count);
    else
        wrong = read(fields, day);
    if (!wrong.empty()) {
        leaveOut(number, std::move(wrong));
        return;
    }
    const auto [known, isNew] = m_days.try_emplace(day.bar.date, day);
    if (isNew)
        return;
    Day &whole = known->second;
    const auto time = *day.times.begin();
    if (whole.times.contains(time)) {
        leaveOut(number, "its date stands in row " + std::to_string(whole.row) + " already");
        return;
    }
    if (day.bar.volume > highestVolume - whole.bar.volume) {
        leaveOut(number, "more shares than there are were traded on its date");
        return;
    }
    // Several prices of one day: the first opens it, the last closes it.
    if (time < *whole.times.begin())
        whole.bar.open = day.bar.open;
    if (time > *whole.times.rbegin())
        whole.bar.close = day.bar.close;
    whole.times.insert(time);
    whole.bar.high = std::max(whole.bar.high, day.bar.high);
    whole.bar.low = std::min(whole.bar.low, day.bar.low);
    whole.bar.volume += day.bar.volume;
}

std::string Reader::read(const Fields &fields, Day &day) const
{
    const Columns &columns = m_header.columns();
    if (std::string wrong = readDate(fields, day); !wrong.empty())
        return wrong;
    Bar &bar = day.bar;
    if (std::string wrong = readPrice(fields, columns.close, "close", bar.close); !wrong.empty())
        return wrong;
    bar.open = bar.high = bar.low = bar.close;
    struct Price
    {
        std::optional<std::size_t> column;
        const char *name;
        double *to;
    };
    for (const Price &price : {Price{columns.open, "open", &bar.open}, Price{columns.high, "high", &bar.high},
                               Price{columns.low, "low", &bar.low}})
        if (price.column)
            if (std::string wrong = readPrice(fields, price.column, price.name, *price.to); !wrong.empty())
                return wrong;
    const double least = std::min(bar.open, bar.close);
    const double most = std::max(bar.open, bar.close);
    if (bar.low > least * (1 + roundingLoss) || bar.high < most * (1 - roundingLoss))
        return "low, open, close and high are not in order";
    bar.low = std::min(bar.low, least);
    bar.high = std::max(bar.high, most);
    return readVolume(fields, bar.volume);
}

std::string Reader::readDate(const Fields &fields, Day &day) const
{
    const auto *text = cell(fields, m_header.columns().date);
    if (!text)
        return "it has no date";
    DateStyle::Date date = m_dates.read(*text);
    day.bar.date = date.day;
    if (const auto *time = cell(fields, m_header.columns().time); time && !date.time)
        date.time = timeOfDay(*time);
    day.times.insert(date.time.value_or(std::chrono::milliseconds(0)));
    return std::move(date.wrong);
}

std::string Reader::readPrice(const Fields &fields, std::optional<std::size_t> column, const char *name,
                              double &to) const
{
    using Reading = NumberStyle::Reading;
    const auto *text = cell(fields, column);
    const auto [reading, value] = text ? m_numbers.price(*text) : NumberStyle::Number{Reading::Missing, 0};
    if (reading == Reading::Missing)
        return std::string(name) + " is missing";
    if (reading == Reading::TwoWays)
        return std::string(name) + " may be read in two ways, \"" + toUtf8(cutText(*text, quotedText)) +
               "\": no other number of the file tells whether its mark is one of thousands or of decimals";
    if (reading == Reading::Wrong || !(value > 0) || value > highestPrice)
        return std::string(name) + " must be a number above 0 and up to 1000000000";
    to = value;
    return {};
}

std::string Reader::readVolume(const Fields &fields, std::uint64_t &to) const
{
    using Reading = NumberStyle::Reading;
    const auto *text = cell(fields, m_header.columns().volume);
    const auto [reading, value] = text ? m_numbers.volume(*text) : NumberStyle::Number{Reading::Missing, 0};
    if (reading == Reading::Missing)
        return {};
    if (reading != Reading::Good || !(value >= 0) || value > double(highestVolume))
        return "volume must be a number of shares";
    to = std::uint64_t(std::llround(value));
    return {};
}

void Reader::leaveOut(std::size_t row, std::string why)
{
    ++m_result.leftOut;
    if (m_result.errors.size() < mostErrors)
        m_result.errors.push_back({row, std::move(why)});
}

PriceRows Reader::result()
{
    for (auto &[date, day] : m_days)
        m_result.bars.push_back(day.bar);
    return std::move(m_result);
}

PriceRows refusedFile(std::string why, std::size_t rows = 0, std::size_t row = 1)
{
    PriceRows result;
    result.errors.push_back({row, std::move(why)});
    result.rows = rows;
    result.leftOut = std::max<std::size_t>(1, rows);
    return result;
}

PriceRows Reader::refused() const { return refusedFile(m_header.refusal(), m_result.rows); }

/// The one of comma, semicolon and tab that the first line with any of them has most of.
char separatorOf(std::string_view text)
{
    text.remove_prefix(std::min(text.find_first_of(",;\t"), text.size()));
    const std::string_view header = text.substr(0, text.find('\n'));
    return std::ranges::max({',', ';', '\t'}, {}, [&](char c) { return std::ranges::count(header, c); });
}

/// UTF-16 with its byte order mark as UTF-8; nothing: it is something else.
std::optional<std::string> fromUtf16(std::string_view text)
{
    const bool little = text.starts_with("\xff\xfe");
    if (!little && !text.starts_with("\xfe\xff"))
        return std::nullopt;
    std::u16string units;
    units.reserve(text.size() / 2);
    for (std::size_t i = 2; i + 1 < text.size(); i += 2) {
        const auto one = static_cast<unsigned char>(text[i]);
        const auto two = static_cast<unsigned char>(text[i + 1]);
        units += char16_t(little ? one | two << 8 : one << 8 | two);
    }
    return boost::locale::conv::utf_to_utf<char>(units);
}

/// What a file is that is no text of fields; null: it may be one.
const char *otherKind(std::string_view text)
{
    using namespace std::string_view_literals;
    struct Kind
    {
        std::string_view begin;
        const char *what;
    };
    static constexpr std::array<Kind, 9> kinds{{
        {"\x1f\x8b"sv, "it is compressed (gzip); unpack it"},
        {"BZh"sv, "it is compressed (bzip2); unpack it"},
        {"\xfd"
         "7zXZ"sv,
         "it is compressed (xz); unpack it"},
        {"\x28\xb5\x2f\xfd"sv, "it is compressed (zstd); unpack it"},
        {"PK\x03\x04"sv, "it is a spreadsheet or a zip archive; save the prices as CSV"},
        {"\xd0\xcf\x11\xe0"sv, "it is a spreadsheet; save the prices as CSV"},
        {"PAR1"sv, "it is a Parquet file; save the prices as CSV"},
        {"\xff\xfe\0\0"sv, "it is UTF-32; save it as UTF-8"},
        {"\0\0\xfe\xff"sv, "it is UTF-32; save it as UTF-8"},
    }};
    for (const Kind &kind : kinds)
        if (text.starts_with(kind.begin))
            return kind.what;
    constexpr std::size_t beginning = 512;
    const std::string start = trimmedLower(text.substr(0, beginning));
    const auto first = start.find_first_not_of("\r\n ");
    if (first != start.npos && (start.substr(first).starts_with("<!") || start.substr(first).starts_with("<html")))
        return "it is a web page, and no prices; download them again";
    const bool marked = text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff");
    if (!marked && text.substr(0, beginning).find('\0') != text.npos)
        return "it holds bytes of zero, as UTF-16 without its mark does; save it as UTF-8";
    return nullptr;
}

} // namespace

PriceRows readPriceCsv(std::string_view text, std::string_view symbol)
{
    if (const char *what = otherKind(text))
        return refusedFile(what);
    const auto converted = fromUtf16(text);
    if (converted)
        text = *converted;
    if (text.starts_with("\xef\xbb\xbf"))
        text.remove_prefix(3);
    const char separator = separatorOf(text);
    Reader reader(separator, symbol);
    bool good = true;
    const std::size_t tooLong = forEachRow(text, separator, [&](std::size_t number, const Fields &fields) {
        return good = reader.observe(number, fields);
    });
    if (tooLong > 0)
        return refusedFile("a field is longer than " + std::to_string(longestField) +
                               " bytes; this is no file of prices, or a quotation mark is not closed",
                           0, tooLong);
    if (!good || !reader.decide())
        return reader.refused();
    forEachRow(text, separator, [&](std::size_t number, const Fields &fields) {
        reader.add(number, fields);
        return true;
    });
    return reader.result();
}

} // namespace portolan::market

#include "core/market/price_csv.h"

#include "core/base/time_format.h"

#include <csv.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <map>
#include <optional>

namespace portolan::market {

namespace {

constexpr std::size_t mostErrors = 100;
constexpr std::size_t mostRows = 100'000;
constexpr std::size_t mostFields = 256;
constexpr std::size_t headerRows = 5; ///< a header may span, yfinance's takes three
constexpr double highestPrice = 1e9;
constexpr double roundingLoss = 1e-4; ///< of a price: adjusted prices are rounded one by one

using Fields = std::vector<std::string>;

std::string trimmedLower(std::string_view text)
{
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos)
        return {};
    text = text.substr(first, text.find_last_not_of(" \t") - first + 1);
    std::string lower(text);
    for (char &c : lower)
        c = c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c == '_' ? ' ' : c;
    return lower;
}

/// Where each figure stands; nothing: nowhere.
struct Columns
{
    std::optional<std::size_t> date, open, high, low, close, volume;
};

/// The first column of one of these names, the earlier name first.
std::optional<std::size_t> named(const Fields &header, std::initializer_list<std::string_view> names)
{
    for (const std::string_view name : names)
        if (const auto found = std::ranges::find(header, name); found != header.end())
            return std::size_t(found - header.begin());
    return std::nullopt;
}

Columns columnsOf(const Fields &row)
{
    Fields header;
    std::ranges::transform(row, std::back_inserter(header), trimmedLower);
    Columns columns;
    columns.date = named(header, {"date", "datetime", "timestamp", "time", "day"});
    if (!columns.date && !header.empty() && (header.front().empty() || header.front() == "price"))
        columns.date = 0;
    columns.open = named(header, {"open"});
    columns.high = named(header, {"high"});
    columns.low = named(header, {"low"});
    columns.close = named(header, {"close", "close/last", "last", "adj close"});
    columns.volume = named(header, {"volume", "vol", "vol."});
    return columns;
}

/// What stands in a day's row once it was read, and the time of the day it is of.
struct Day
{
    Bar bar;
    std::string first = "00:00:00"; ///< the earliest and the latest time of its rows
    std::string last = "00:00:00";
    std::size_t row = 0;
};

/// The numbers of a date written with slashes, whose order the whole file tells.
struct SlashDate
{
    unsigned first = 0;
    unsigned second = 0;
    unsigned year = 0;
};

template <class T> bool number(std::string_view text, T &to)
{
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), to);
    return !text.empty() && parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
}

std::optional<SlashDate> slashDate(std::string_view text)
{
    const auto one = text.find('/');
    const auto two = one == text.npos ? text.npos : text.find('/', one + 1);
    SlashDate date;
    if (two == text.npos || !number(text.substr(0, one), date.first) ||
        !number(text.substr(one + 1, two - one - 1), date.second) || !number(text.substr(two + 1), date.year) ||
        date.year < 1000)
        return std::nullopt;
    return date;
}

/// Reads the rows of a file as libcsv hands them over.
class Reader final
{
public:
    explicit Reader(char separator) : m_separator(separator) {}

    void field(std::string_view text)
    {
        if (m_fields.size() < mostFields)
            m_fields.emplace_back(text);
    }
    /// `end`: the character that ended it, or -1 at the end of the file.
    void endOfRow(int end)
    {
        const bool secondHalf = end == CSV_LF && m_fields.empty() && m_lastEnd == CSV_CR;
        m_lastEnd = end;
        if (secondHalf)
            return;
        ++m_row;
        const bool empty = m_fields.empty() || (m_fields.size() == 1 && m_fields.front().empty());
        if (!m_columns && !empty)
            m_columns = columnsOf(m_fields);
        else if (!empty && !m_full)
            data();
        m_fields.clear();
    }
    PriceRows result();

private:
    struct Row
    {
        std::size_t number = 0;
        Fields fields;
    };

    void data();
    void add(const Row &row);
    std::string read(const Fields &fields, Day &day) const;
    std::string readDate(std::string_view text, Day &day) const;
    std::string readPrice(const Fields &fields, std::optional<std::size_t> column, const char *name, double &to) const;
    std::string readVolume(const Fields &fields, std::uint64_t &to) const;
    std::string plain(std::string_view text) const;
    bool isHeader() const;
    void leaveOut(std::size_t row, std::string why);

    const char m_separator;
    std::optional<Columns> m_columns;
    Fields m_fields;
    int m_lastEnd = 0;
    std::size_t m_row = 0;
    bool m_full = false;
    std::optional<bool> m_monthFirst; ///< in dates with slashes
    std::vector<Row> m_undecided;     ///< until a row tells
    std::map<WallTime, Day> m_days;
    PriceRows m_result;
};

/// Without blanks, currency and the marks of thousands, with a point before decimals. Of two marks the later one is
/// before the decimals; one that stands several times is of thousands. A lone comma is of thousands where commas
/// separate fields, and before three digits where tabs do.
std::string Reader::plain(std::string_view text) const
{
    const auto commas = std::ranges::count(text, ',');
    const auto points = std::ranges::count(text, '.');
    char decimal = points == 1 ? '.' : '\0';
    if (commas == 1 && points == 0) {
        const auto digits = text.size() - text.find(',') - 1;
        decimal = m_separator == ';' || (m_separator == '\t' && digits != 3) ? ',' : '\0';
    } else if (commas > 0 && points > 0) {
        const char later = text.rfind(',') > text.rfind('.') ? ',' : '.';
        decimal = (later == ',' ? commas : points) == 1 ? later : '\0';
    }
    std::string clean;
    for (const char c : text) {
        if (c == ' ' || c == '\t' || c == '$')
            continue;
        if (c == decimal)
            clean += '.';
        else if (c != ',' && c != '.')
            clean += c;
    }
    return clean;
}

bool Reader::isHeader() const
{
    return m_row <= headerRows && m_result.rows == 0 && std::ranges::none_of(m_fields, [&](const std::string &field) {
               return field.find_first_of("0123456789") != field.npos;
           });
}

void Reader::data()
{
    if (isHeader())
        return;
    if (++m_result.rows > mostRows) {
        --m_result.rows;
        m_full = true;
        leaveOut(m_row, "there are more than 100000 rows");
        return;
    }
    Row row{m_row, std::move(m_fields)};
    m_fields = {};
    if (!m_monthFirst && m_columns->date && *m_columns->date < row.fields.size()) {
        if (const auto date = slashDate(row.fields[*m_columns->date])) {
            if (date->first <= 12 && date->second <= 12) {
                m_undecided.push_back(std::move(row));
                return;
            }
            m_monthFirst = date->second > 12;
            for (const Row &before : std::exchange(m_undecided, {}))
                add(before);
        }
    }
    add(row);
}

void Reader::add(const Row &row)
{
    Day day;
    day.row = row.number;
    if (std::string wrong = read(row.fields, day); !wrong.empty()) {
        leaveOut(row.number, std::move(wrong));
        return;
    }
    const auto [known, isNew] = m_days.try_emplace(day.bar.date, day);
    if (isNew)
        return;
    Day &whole = known->second;
    if (day.first == whole.first || day.last == whole.last) {
        leaveOut(row.number, "its date stands in row " + std::to_string(whole.row) + " already");
        return;
    }
    // Several prices of one day: the first opens it, the last closes it.
    if (day.first < whole.first) {
        whole.first = day.first;
        whole.bar.open = day.bar.open;
    }
    if (day.last > whole.last) {
        whole.last = day.last;
        whole.bar.close = day.bar.close;
    }
    whole.bar.high = std::max(whole.bar.high, day.bar.high);
    whole.bar.low = std::min(whole.bar.low, day.bar.low);
    whole.bar.volume += day.bar.volume;
}

std::string Reader::read(const Fields &fields, Day &day) const
{
    if (!m_columns->date || !m_columns->close || *m_columns->date >= fields.size())
        return "it has no date";
    if (std::string wrong = readDate(fields[*m_columns->date], day); !wrong.empty())
        return wrong;
    Bar &bar = day.bar;
    if (std::string wrong = readPrice(fields, m_columns->close, "close", bar.close); !wrong.empty())
        return wrong;
    bar.open = bar.high = bar.low = bar.close;
    struct Price
    {
        std::optional<std::size_t> column;
        const char *name;
        double *to;
    };
    for (const Price &price : {Price{m_columns->open, "open", &bar.open}, Price{m_columns->high, "high", &bar.high},
                               Price{m_columns->low, "low", &bar.low}})
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

std::string Reader::readDate(std::string_view text, Day &day) const
{
    const char *const wrong = "date must be written as 2026-01-31";
    while (text.starts_with(' '))
        text.remove_prefix(1);
    if (const auto slashes = slashDate(text.substr(0, text.find(' ')))) {
        const unsigned month = m_monthFirst.value_or(true) ? slashes->first : slashes->second;
        const unsigned dayOfMonth = m_monthFirst.value_or(true) ? slashes->second : slashes->first;
        const std::chrono::year_month_day date{std::chrono::year(int(slashes->year)), std::chrono::month(month),
                                               std::chrono::day(dayOfMonth)};
        if (!date.ok())
            return "there is no such day";
        day.bar.date = WallTime(std::chrono::sys_days(date).time_since_epoch());
        return {};
    }
    constexpr std::size_t dateSize = 10;
    if (text.size() > dateSize && text[dateSize] != ' ' && text[dateSize] != 'T')
        return wrong;
    const auto date = parseDate(text.substr(0, dateSize));
    if (date.has_error())
        return wrong;
    day.bar.date = *date;
    if (text.size() > dateSize + 1)
        day.first = day.last = text.substr(dateSize + 1, 8);
    return {};
}

std::string Reader::readPrice(const Fields &fields, std::optional<std::size_t> column, const char *name,
                              double &to) const
{
    const std::string text = *column < fields.size() ? plain(fields[*column]) : std::string();
    if (text.empty() || trimmedLower(text) == "null" || trimmedLower(text) == "nan")
        return std::string(name) + " is missing";
    if (!number(text, to) || !(to > 0) || to > highestPrice)
        return std::string(name) + " must be a number above 0 and up to 1000000000";
    return {};
}

std::string Reader::readVolume(const Fields &fields, std::uint64_t &to) const
{
    if (!m_columns->volume || *m_columns->volume >= fields.size())
        return {};
    std::string text = plain(fields[*m_columns->volume]);
    const std::string lower = trimmedLower(text);
    if (lower.empty() || lower == "-" || lower == "null" || lower == "nan" || lower == "n/a")
        return {};
    double factor = 1;
    switch (lower.back()) {
    case 'k':
        factor = 1e3;
        break;
    case 'm':
        factor = 1e6;
        break;
    case 'b':
        factor = 1e9;
        break;
    default:
        break;
    }
    if (factor > 1)
        text.pop_back();
    double volume = 0;
    constexpr double exact = 9007199254740992.0; // 2^53, the largest that JSON's readers take whole
    if (!number(text, volume) || !(volume >= 0) || volume * factor > exact)
        return "volume must be a number of shares";
    to = std::uint64_t(std::llround(volume * factor));
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
    if (!m_columns || !m_columns->date || !m_columns->close) {
        m_result.bars.clear();
        m_result.errors.assign(1, {1, "the first row must name the columns, among them date and close"});
        m_result.leftOut = std::max<std::size_t>(1, m_result.rows);
        return std::move(m_result);
    }
    for (const Row &row : m_undecided)
        leaveOut(row.number, "its date may be read in two ways; write it as 2026-01-31");
    for (auto &[date, day] : m_days)
        m_result.bars.push_back(day.bar);
    std::ranges::sort(m_result.errors, {}, &RowError::row);
    return std::move(m_result);
}

/// The one of comma, semicolon and tab that the header has most of.
char separatorOf(std::string_view text)
{
    const std::string_view header = text.substr(0, text.find('\n'));
    return std::ranges::max({',', ';', '\t'}, {}, [&](char c) { return std::ranges::count(header, c); });
}

} // namespace

PriceRows readPriceCsv(std::string_view text)
{
    if (text.starts_with("\xef\xbb\xbf"))
        text.remove_prefix(3);
    const char separator = separatorOf(text);
    Reader reader(separator);
    csv_parser parser;
    csv_init(&parser, CSV_APPEND_NULL | CSV_REPALL_NL);
    csv_set_delim(&parser, static_cast<unsigned char>(separator));
    const auto onField = [](void *field, std::size_t size, void *self) {
        static_cast<Reader *>(self)->field({static_cast<const char *>(field), size});
    };
    const auto onRow = [](int end, void *self) { static_cast<Reader *>(self)->endOfRow(end); };
    csv_parse(&parser, text.data(), text.size(), onField, onRow, &reader);
    csv_fini(&parser, onField, onRow, &reader);
    csv_free(&parser);
    return reader.result();
}

} // namespace portolan::market

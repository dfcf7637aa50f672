// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/redis_page.h"

#include "ui/pages/queue_lines.h"
#include "ui/support/action_button.h"
#include "ui/support/advice.h"
#include "ui/support/format.h"
#include "ui/support/zones.h"
#include "ui/widgets/adaptive_row.h"
#include "ui/widgets/button_row.h"
#include "ui/widgets/card.h"
#include "ui/widgets/figure_strip.h"
#include "ui/widgets/history_panel.h"
#include "ui/widgets/table_view.h"
#include "ui/words/why_words.h"

#include <algorithm>
#include <array>

namespace portolan::ui {

namespace {

constexpr std::chrono::hours idleEnough{1};
constexpr std::chrono::seconds staleFamilies{30}; ///< they are sampled, which takes longer than a second

/// What Redis takes beside the keys: a row among the families, named as its budget in the tier. It is in no key.
constexpr const char *overhead = "overhead";
const QString none = QStringLiteral("–");

double halfOf(const Estimate &estimate) { return (estimate.high - estimate.low) / 2; }

/// All in one column, so in one unit: that of the family's budget, or of budgets as they are.
double unitOf(const FamilyFigures &family)
{
    constexpr double usual = 1024.0 * 1024.0;
    return family.budget ? double(*family.budget) : std::max(usual, family.bytes ? family.bytes->value : 0);
}

QString errorText(const FamilyFigures &family)
{
    if (!family.bytes)
        return unknownText();
    // Of nothing there is nothing to be wrong about.
    const bool nothing = (family.keys && family.keys->value < 0.5) || halfOf(*family.bytes) < 0.5;
    if (nothing)
        return none;
    const double half = halfOf(*family.bytes);
    const QString size = sizeLikeText(half, unitOf(family));
    return isNextToNothing(half, unitOf(family)) ? size : "± " + size;
}

const Reading *readingOf(const Snapshot &snapshot, Resource resource)
{
    const auto found = std::ranges::find(snapshot.readings, resource, &Reading::resource);
    return found == snapshot.readings.end() ? nullptr : &*found;
}

/// Of the limit that the traffic light has, which is the smaller of the plan's and of Redis's own.
QString memoryText(const Snapshot &snapshot)
{
    const RedisFigures &redis = snapshot.redis;
    const Reading *reading = readingOf(snapshot, Resource::RedisMemory);
    const double own = double(redis.maxmemory.value_or(0));
    const double limit = reading && reading->limit ? *reading->limit : own;
    if (!redis.usedMemory || limit <= 0)
        return sizeText(redis.usedMemory);
    const QString of = sizeOfText(double(*redis.usedMemory), limit);
    return redis.maxmemory && own != limit ? RedisPage::tr("%1 (plan)").arg(of) : of;
}

/// "279/s (68 own)": what the portal asks for by itself is not its users' doing. Over the same time as the traffic
/// light, or there would be two figures of one thing.
QString commandsText(const Snapshot &snapshot)
{
    const RedisFigures &redis = snapshot.redis;
    const auto all = snapshot.plan.commandsPerSecond ? snapshot.plan.commandsPerSecond : redis.commandsPerSecond;
    if (!redis.commandsPerSecond || !all || !redis.ownCommandsPerSecond)
        return rateText(redis.commandsPerSecond ? all : std::nullopt);
    const double own = std::min(*redis.ownCommandsPerSecond, *all);
    return RedisPage::tr("%1 (%2 own)").arg(rateText(all), countText(own));
}

QString hitText(const RedisFigures &redis)
{
    if (!redis.hitRatio)
        return redis.ownCommandsPerSecond ? RedisPage::tr("too few reads") : unknownText();
    return RedisPage::tr("%1 of users' reads").arg(percentText(redis.hitRatio));
}

/// Of little, much of it is the server itself.
QString fragmentationText(const RedisFigures &redis)
{
    constexpr double usual = 1.5;
    constexpr std::uint64_t little = 64ull * 1024 * 1024;
    if (!redis.fragmentation)
        return unknownText();
    const QString times = "× " + QString::number(*redis.fragmentation, 'f', 2);
    if (*redis.fragmentation <= usual)
        return times;
    return redis.usedMemoryRss.value_or(little) < little ? RedisPage::tr("%1, harmless").arg(times)
                                                         : RedisPage::tr("%1, high").arg(times);
}

/// How old the counts are: when keys were drawn last, and how far back those go that they rest on.
QString countedText(const FamiliesFigures &families, Age sampleAge)
{
    const QString drawn = RedisPage::tr("sampled %1").arg(ageText(*families.age + sampleAge));
    const auto span = std::chrono::duration_cast<std::chrono::seconds>(families.span.value_or(Age(0)));
    return span >= std::chrono::seconds(2)
               ? RedisPage::tr("%1, over the last %2").arg(drawn, durationText(std::optional(span)))
               : drawn;
}

const std::array familyColumns{
    Column<ListedFamily>{QT_TRANSLATE_NOOP("tables", "Family"), 11,
                         [](const ListedFamily &f) { return text(f.family); }},
    Column<ListedFamily>{QT_TRANSLATE_NOOP("tables", "Memory of budget"), 20,
                         [](const ListedFamily &f) {
                             if (!f.bytes)
                                 return unknownText();
                             if (!f.budget)
                                 return RedisPage::tr("%1, no budget").arg(sizeLikeText(f.bytes->value, unitOf(f)));
                             const QString of = sizeOfText(f.bytes->value, double(*f.budget));
                             return f.bytes->value > double(*f.budget) ? RedisPage::tr("%1, over").arg(of) : of;
                         },
                         [](const ListedFamily &f) { return QVariant(f.bytes ? f.bytes->value : -1); },
                         [](const ListedFamily &f) {
                             return f.bytes && f.budget ? std::optional(f.bytes->value / double(*f.budget))
                                                        : std::nullopt;
                         },
                         false, nullptr, false, [](const ListedFamily &f) { return f.zone; }},
    Column<ListedFamily>{QT_TRANSLATE_NOOP("tables", "Error"), 10,
                         [](const ListedFamily &f) { return f.family == overhead ? none : errorText(f); },
                         [](const ListedFamily &f) { return QVariant(f.bytes ? f.bytes->high - f.bytes->low : -1); }},
    Column<ListedFamily>{QT_TRANSLATE_NOOP("tables", "Keys"), 12,
                         [](const ListedFamily &f) {
                             if (f.family == overhead)
                                 return none;
                             return f.keys ? estimateText(f.keys->value, halfOf(*f.keys)) : unknownText();
                         },
                         [](const ListedFamily &f) { return QVariant(f.keys ? f.keys->value : -1); }},
    Column<ListedFamily>{
        QT_TRANSLATE_NOOP("tables", "Growth"), 10,
        [](const ListedFamily &f) { return f.family == overhead || !f.bytes ? none : growthText(f.growth); },
        [](const ListedFamily &f) { return QVariant(f.growth.value_or(0)); }},
};

const std::array keyColumns{
    Column<BigKey>{QT_TRANSLATE_NOOP("tables", "Size"), 9, [](const BigKey &k) { return sizeText(double(k.bytes)); },
                   [](const BigKey &k) { return QVariant(qulonglong(k.bytes)); }},
    Column<BigKey>{QT_TRANSLATE_NOOP("tables", "Family"), 8, [](const BigKey &k) { return text(k.family); }},
    Column<BigKey>{QT_TRANSLATE_NOOP("tables", "Key"), 24, [](const BigKey &k) { return text(k.key); }},
};

std::vector<ListedFamily> withOverhead(const Snapshot &snapshot)
{
    std::vector<ListedFamily> rows;
    for (const FamilyFigures &family : snapshot.families.families)
        rows.push_back({family, std::nullopt});
    if (!snapshot.families.unattributed)
        return rows;
    ListedFamily row;
    row.family = overhead;
    const double bytes = double(*snapshot.families.unattributed);
    row.bytes = Estimate{bytes, bytes, bytes};
    if (const Reading *reading = readingOf(snapshot, Resource::RedisOverhead); reading && reading->limit) {
        row.budget = std::uint64_t(*reading->limit);
        row.zone = reading->zone;
    }
    const auto place = std::ranges::find_if(
        rows, [bytes](const FamilyFigures &family) { return family.bytes && family.bytes->value < bytes; });
    rows.insert(place, std::move(row));
    return rows;
}

std::string familyKey(const ListedFamily &family) { return family.family; }
std::string bigKey(const BigKey &key) { return key.key; }

} // namespace

RedisPage::RedisPage(const PageContext &context, QWidget *parent)
    : Page(context, parent),
      m_families(familyColumns, familyKey),
      m_biggest(keyColumns, bigKey),
      m_figures(new FigureStrip({tr("Memory"), tr("Peak"), tr("Fragmentation"), tr("Evicted"), tr("Hit ratio, 1 min"),
                                 tr("Keys"), tr("Commands, 1 min"), tr("Age")})),
      m_history(new HistoryPanel(this->context(), tr("Over time"),
                                 {{{}, {{metric::redisMemory, tr("memory")}}, {Resource::RedisOverhead}}}))
{
    m_cleanUp = addCommand(
        tr("Clean up family"), "broom", QKeySequence::Delete, [this] { cleanUp({}); }, [this] { return mayCleanUp(); });
    m_cleanUpIdle = addCommand(
        tr("Clean up idle for 1 h"), "broom", QKeySequence("Shift+Del"), [this] { cleanUp(idleEnough); },
        [this] { return mayCleanUp(); });
    makeDestructive(*m_cleanUp);
    makeDestructive(*m_cleanUpIdle);
    m_figures->setToolTip(tr("Own commands: what the portal asks for by itself, to look for tasks and to measure. They "
                             "are not in the hit ratio, which is of the last minute. The limit of the memory is the "
                             "plan's, or Redis's own (maxmemory) where that is smaller. Fragmentation: what Redis "
                             "holds of the machine's memory by what it uses of it, high above 1.5, and harmless while "
                             "that is less than 64 MB."));
    body()->addWidget(m_figures);
    body()->addWidget(m_history, 3);
    addExports(*m_history);
    auto *row = new AdaptiveRow(58);
    addFamilies(row->row());
    addBiggest(row->row());
    body()->addWidget(row, 4);
}

void RedisPage::addFamilies(QBoxLayout &row)
{
    m_familyCard = new Card(tr("Key families"));
    m_familyView = new TableView(m_families, tr("Key families"), tr("The keys have not been sampled yet"));
    m_familyView->setSelectionMode(QAbstractItemView::SingleSelection);
    m_familyView->setRowsShown(4);
    m_familyCard->body()->addWidget(m_familyView, 1);
    auto *buttons = new ButtonRow;
    buttons->addWidget(buttonOf(m_cleanUp));
    buttons->addWidget(buttonOf(m_cleanUpIdle));
    m_familyCard->body()->addWidget(buttons);
    connect(m_familyView, &TableView::selected, this, &Page::updateCommands);
    row.addWidget(m_familyCard, 3);
}

void RedisPage::addBiggest(QBoxLayout &row)
{
    auto *card = new Card(tr("Largest keys"));
    m_biggestView = new TableView(m_biggest, tr("Largest keys"), tr("The keys have not been sampled yet"));
    m_biggestView->setRowsShown(3);
    m_filter = new QLineEdit;
    m_filter->setPlaceholderText(tr("Filter (Ctrl+F)"));
    m_filter->setAccessibleName(tr("Filter large keys"));
    m_filter->setClearButtonEnabled(true);
    card->head()->addWidget(m_filter);
    connect(m_filter, &QLineEdit::textChanged, m_biggestView, &TableView::setFilter);
    card->body()->addWidget(m_biggestView, 1);
    row.addWidget(card, 2);
}

Allowance RedisPage::mayCleanUp() const
{
    const int row = m_familyView ? m_familyView->currentSourceRow() : -1;
    const bool isFamily = row >= 0 && m_families.row(row).family != overhead;
    const Allowance allowed =
        context().gate.allowed(Action(CleanUpFamily{isFamily ? m_families.row(row).family : std::string(), {}}));
    if (!allowed.available)
        return allowed;
    if (row >= 0 && !isFamily)
        return {false, tr("This is what Redis needs beside the keys: tables, buffers and itself.")};
    if (row < 0)
        return {false, tr("Select a family first.")};
    const auto &keys = m_families.row(row).keys;
    return keys && keys->high < 0.5 ? Allowance{false, tr("There is no key of it.")} : allowed;
}

void RedisPage::cleanUp(std::optional<std::chrono::seconds> idle)
{
    if (const int row = m_familyView->currentSourceRow(); row >= 0)
        context().gate.run(Action(CleanUpFamily{m_families.row(row).family, idle}));
}

void RedisPage::showSnapshot(const Snapshot &snapshot)
{
    showNotTold(snapshot, {"redis", "families"});
    const RedisFigures &redis = snapshot.redis;
    const auto sampleAge = std::chrono::duration_cast<Age>(context().clock.wall() - snapshot.time);
    const auto age = redis.age ? std::optional(*redis.age + std::max(sampleAge, Age(0))) : std::nullopt;
    m_figures->setValues({memoryText(snapshot), sizeText(redis.usedMemoryPeak), fragmentationText(redis),
                          rateText(redis.evictedPerSecond), hitText(redis), countText(redis.keys),
                          commandsText(snapshot), ageText(age)},
                         !age || isStale(age, snapshot.sampling.staleAfter));
    m_history->showSnapshot(snapshot);
    m_families.setRows(withOverhead(snapshot));
    const QString silent = silence(snapshot, "redis");
    const bool live = context().shown.deployment().link() == LinkState::Live;
    const QString unknown =
        live ? silent : tr("Not known: %1").arg(linkText(context().shown.deployment().linkReason()));
    const bool looked = snapshot.families.age.has_value();
    m_familyView->setWhenEmpty(unknown.isEmpty() ? tr("The keys have not been sampled yet") : unknown);
    m_biggestView->setWhenEmpty(!unknown.isEmpty() ? unknown
                                : looked           ? tr("No key of 64 KB or more found yet")
                                                   : tr("The keys have not been sampled yet"));
    m_biggest.setRows(snapshot.families.biggest);
    const auto familyAge = snapshot.families.age ? std::optional(*snapshot.families.age + sampleAge) : std::nullopt;
    m_familyView->setStale(familyAge && *familyAge > std::max<Age>(staleFamilies, snapshot.sampling.detailsStaleAfter));
    m_biggestView->setStale(m_familyView->isStale());
    QStringList note;
    if (snapshot.families.age)
        note << countedText(snapshot.families, std::max(sampleAge, Age(0)));
    if (const QString pace = samplingText(snapshot.sampling); !pace.isEmpty())
        note << pace;
    m_familyCard->setNote(note.join("  ·  "));
    updateCommands();
}

void RedisPage::refresh() { m_history->refresh(); }

} // namespace portolan::ui

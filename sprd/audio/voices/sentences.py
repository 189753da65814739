"""Plain sentences for synthetic voices, where nobody has recorded running speech."""

import re
from collections.abc import Collection

_TEXT = """
The morning train was late again because of the snow.
My sister keeps her bicycle in the garden shed.
We had soup and fresh bread for lunch yesterday.
The old library smells of dust and leather.
Please remember to water the plants while I am away.
A warm wind came from the south all afternoon.
The children built a castle out of wet sand.
He writes letters to his uncle every winter.
There is a small bakery behind the church.
She painted the kitchen walls a pale yellow.
Our neighbour plays the violin until midnight.
The ferry to the island leaves before sunrise.
I cannot find my glasses anywhere in this room.
Most of the apples fell during the storm.
They walked along the river without saying a word.
The museum opens late during the holidays.
His new jacket has far too many pockets.
You could hear the waves from the balcony.
The doctor asked him to rest for a few weeks.
A grey cat sleeps under the table each evening.
The mountains were hidden behind a thick fog.
She learned to swim in a very cold lake.
We need more paper for the printer today.
The baker gives the last rolls to the birds.
Nobody believed the story about the lost ring.
The moon was bright enough to read a newspaper.
He repairs clocks and radios in his spare time.
The market sells cheese, honey and dried fruit.
My grandmother made the blankets from old coats.
It rained for most of the week in April.
The teacher wrote the answer with blue chalk.
A bus full of tourists waited near the bridge.
The engine made a strange noise in the cold.
We took photographs of the empty beach.
Her brother works at a school for musicians.
The soup needs a little salt and some pepper.
They planted cherry trees along the road.
Somebody left an umbrella in the hallway.
The lawyer spoke quietly and chose each word with care.
Fishermen mend their nets in the afternoon.
The roof was covered with moss and broken tiles.
He drinks coffee with milk but without sugar.
A letter from the bank arrived this morning.
The kitchen window looks over the harbour.
She keeps a list of birds that visit the feeder.
The hotel was cheap, clean and rather noisy.
We borrowed a ladder from the man next door.
The film was longer than the book it came from.
His dog barks at every passing truck.
The nurse changed the bandage twice a day.
A thin layer of ice covered the pond.
They argued about the price of the carpet.
The garden is full of bees in the summer.
I would rather read a magazine than watch television.
Her office is above a shop that sells candles.
The farmer drove his tractor through the mud.
Everyone laughed when the cake fell apart.
The river freezes over in very hard winters.
He forgot to bring a towel to the pool.
The bridge was closed for repairs since autumn.
We listened to the radio while we cooked.
The path through the forest is steep and narrow.
She bought a second hand piano from a friend.
A candle burned in the window all night.
The pilot announced a short delay at the gate.
My cousin collects stamps from distant countries.
The sauce is made of tomatoes, garlic and basil.
They sailed around the cape in rough weather.
The clock in the hall has always been slow.
He carried the heavy boxes into the cellar.
The orchestra played outside under the trees.
There were muddy footprints across the carpet.
A young fox crossed the meadow at dusk.
The letter was hidden between the pages of a novel.
She teaches history at the college near the station.
The paint takes a whole day to dry.
We waited for the rain to end before leaving.
The river carries sand and stones to the sea.
His handwriting is nearly impossible to read.
The shop sells buttons, ribbons and thread.
An orange light blinked beside the door.
The cows came home by themselves in the evening.
She answered every question without hesitation.
The guide told us about the ancient walls.
My father grows potatoes behind the house.
The package was too large for the letter box.
A cold breeze moved the curtains of the bedroom.
He studied maps of the desert for many months.
The singer forgot the words of the chorus.
They served tea with lemon and ginger biscuits.
The valley is famous for its wooden houses.
I met an old colleague at the airport.
The snow melted slowly under the thin sunlight.
Her umbrella was blown across the square.
The mayor promised a new playground for the village.
We found a silver coin beneath the floor.
The horse refused to cross the shallow stream.
He reads the weather report before breakfast.
The chairs in the theatre were hard and narrow.
A faint smell of smoke drifted through the house.
The carpenter measured the shelf with great care.
She wore a green scarf and heavy boots.
The island has a lighthouse but hardly any trees.
They spent the evening playing cards by the fire.
The secretary typed the minutes of the meeting.
Our car would not start because the battery was flat.
The bread was still warm when we reached home.
A crowd gathered around the street musicians.
The hospital stands between the park and the canal.
He polished the brass handle until it shone.
Her garden is surrounded by a tall hedge.
The pupils drew pictures of their favourite animals.
We missed the last tram and walked home.
The cellar is damp and full of spiders.
She translated the poem into several languages.
The bottle rolled under the seat of the bus.
A heavy parcel arrived from abroad.
They cleaned the windows with vinegar and water.
The judge listened patiently to both sides.
His watch was a present from his grandfather.
The waiter recommended the fish with rice.
Dark clouds moved quickly over the fields.
The factory makes engines for small boats.
I slept badly because of the thunder.
The author signed copies of her latest novel.
We picnicked in the shade of an oak.
The baby laughed at the puppet in the box.
A narrow staircase leads to the tower.
She polished her shoes before the interview.
The gardener trims the roses in early spring.
Their house has a red roof and blue shutters.
The lamp beside the sofa flickers sometimes.
He carved a whistle from a piece of wood.
The train passes through many dark tunnels.
We shared a large plate of noodles.
The bell rings at noon and again at dusk.
Her voice was calm in spite of the news.
The fence needs a fresh coat of paint.
A herd of goats blocked the mountain road.
They found shelter in an abandoned barn.
The chemist mixed the powder with water.
My aunt knits a pullover for each of us.
The parcel contained spices, soap and a long letter.
We watched the swallows gather for their journey.
The sculptor works with marble and clay.
His answer surprised the whole family.
The cheese is kept in a cool, dark room.
A gentle rain began as the guests arrived.
She photographed the market at dawn.
The shepherd counted his sheep by the gate.
The lecture was about the history of glass.
He hung his coat behind the kitchen door.
The pond is home to frogs and dragonflies.
Nobody knew who had sent the flowers.
"""

SENTENCES = tuple(line for line in _TEXT.splitlines() if line)


def sentences_without(keywords: Collection[str]) -> tuple[str, ...]:
    """Returns the sentences in which none of the words is said."""
    taken = {part for word in keywords for part in words_of(word)}
    return tuple(one for one in SENTENCES if not taken & set(words_of(one)))


def words_of(text: str) -> list[str]:
    """Returns the words of a text in small letters."""
    return re.findall(r"[a-z]+", text.casefold())
